/** Express and jsonwebtoken. */
import express from "express";
import jsonwebtoken from "jsonwebtoken";
import { claimsOf, plan, ready } from "./peer.js";

const app = express().disable("x-powered-by").disable("etag").use(express.json());
app.post("/verify", (request, response) => {
  const { issuer, audience } = plan;
  try {
    response.json(jsonwebtoken.verify(request.body.token, plan.publicPem, { algorithms: ["ES256"], issuer, audience }));
  } catch {
    response.status(401).json({ message: "no" });
  }
});
app.post("/issue", (request, response) => {
  const token = jsonwebtoken.sign(claimsOf(request.body), plan.privatePem, { algorithm: "ES256", keyid: plan.kid });
  response.json({ token });
});
const server = app.listen(0, "127.0.0.1", () => ready(server.address().port));
