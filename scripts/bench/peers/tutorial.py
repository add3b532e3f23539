"""The tutorial's app: FastAPI and python-jose with HS256, on uvicorn with uvloop and httptools."""

import json
import os
import socket
import sys
import time

import uvicorn
from fastapi import FastAPI, HTTPException
from jose import JWTError, jwt
from pydantic import BaseModel

PLAN = json.loads(os.environ["BENCH_PLAN"])
SECRET = "0123456789abcdef0123456789ABCDEF"
app = FastAPI()


class Token(BaseModel):
    token: str


class Wanted(BaseModel):
    subject: str
    scope: str
    claims: dict


@app.post("/verify")
async def verify(body: Token):
    try:
        return jwt.decode(body.token, SECRET, algorithms=["HS256"], issuer=PLAN["issuer"], audience=PLAN["audience"])
    except JWTError:
        raise HTTPException(status_code=401, detail="Could not validate credentials")


@app.post("/issue")
async def issue(body: Wanted):
    now = int(time.time())
    claims = {**body.claims, "iss": PLAN["issuer"], "sub": body.subject, "aud": PLAN["audience"], "scope": body.scope}
    return {"token": jwt.encode({**claims, "iat": now, "exp": now + 900}, SECRET, algorithm="HS256")}


listener = socket.socket()
listener.bind(("127.0.0.1", 0))
listener.listen(1024)
print(f"listening on {listener.getsockname()[1]}", flush=True)
config = uvicorn.Config(app, loop="uvloop", http="httptools", log_level="warning", access_log=False)
uvicorn.Server(config).run(sockets=[listener])
