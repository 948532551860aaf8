// Registries' accounts: who is logged in, login, logout.
import type { IncomingMessage, ServerResponse } from "node:http";
import { PodrunError } from "../base/errors.ts";
import { absolutePath, readFields, required } from "./body.ts";
import type { ApiContext } from "./context.ts";
import { readJson, sendJson, type Target } from "./request.ts";

/** `{username}`, or `{}`: nobody. */
export async function showLogin(context: ApiContext, response: ServerResponse, target: Target): Promise<void> {
  const registry = required(target.query.get("registry"), "query parameter registry");
  const authFile = absolutePath(target.query.get("authFile") || undefined, "authFile");
  sendJson(response, 200, { username: await context.logins.loggedIn(registry, authFile) });
}

export async function login(context: ApiContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const fields = readFields(await readJson(request), {
    registry: "string",
    username: "string",
    password: "string",
    authFile: "string",
    tlsVerify: "boolean",
  });
  const answer = await context.logins.login({
    registry: required(fields.registry, "registry"),
    username: required(fields.username, "username"),
    password: required(fields.password, "password"),
    authFile: absolutePath(fields.authFile, "authFile"),
    tlsVerify: fields.tlsVerify,
  });
  sendJson(response, 200, answer);
}

export async function logout(context: ApiContext, request: IncomingMessage, response: ServerResponse): Promise<void> {
  const fields = readFields(await readJson(request), { registry: "string", all: "boolean", authFile: "string" });
  const { registry, all = false } = fields;
  if (all === (registry !== undefined)) throw new PodrunError("BadRequest", "want either registry or all");
  sendJson(
    response,
    200,
    await context.logins.logout({ registry, all, authFile: absolutePath(fields.authFile, "authFile") }),
  );
}
