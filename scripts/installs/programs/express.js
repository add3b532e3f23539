import { createExpressMiddleware } from "@trpc/server/adapters/express";
import express from "express";
import { createTokenRouter, tokenContext } from "mintmark/router";
import { bearerAuth } from "mintmark/verifier/node";

function listen(app) {
  return new Promise((resolve) => {
    const server = app.listen(0, "127.0.0.1", () => resolve(`http://127.0.0.1:${server.address().port}`));
  });
}

export function protect(verifier) {
  const auth = bearerAuth(verifier);
  return listen(express().get("/me", auth, (request, response) => void response.json(auth.claimsOf(request))));
}

export function host(service) {
  const createContext = ({ req }) => tokenContext({ headers: req.headers });
  const router = createTokenRouter(service);
  return listen(express().use("/trpc", createExpressMiddleware({ router, createContext })));
}
