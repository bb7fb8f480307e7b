import { createRunnerToken } from "../auth/runner-tokens.ts";
import type { ApiDependencies } from "./dependencies.ts";
import { notFound } from "./read-request.ts";
import type { Handlers } from "./serve-route.ts";
import { tokenView } from "./token-view.ts";

/** Serves the routes of runner tokens. */
export function tokenHandlers({
  store,
  keys,
  clock,
  log,
}: ApiDependencies): Handlers<"listTokens" | "createToken" | "revokeToken"> {
  return {
    listTokens: async ({ query: { runnerId } }) => {
      const tokens = (await store.listTokens()).map((token) => tokenView(token, clock.now()));
      return { tokens: tokens.filter((token) => runnerId === undefined || token.runnerId === runnerId) };
    },
    createToken: async ({ body: { runnerId, expiresInSeconds } }) => {
      const wish = {
        ...(runnerId === "*" ? {} : { runnerId }),
        ...(expiresInSeconds === undefined ? {} : { expiresInSeconds }),
      };
      const { token, record } = await createRunnerToken(store, keys, wish, clock);
      log.info("A runner token was issued", { tokenId: record.tokenId, runnerId });
      return { ...tokenView(record, clock.now()), token: token.reveal() };
    },
    revokeToken: async ({ id }) => {
      if (!(await store.revokeToken(id, clock.now()))) throw notFound(store, "token", id);
      const token = await store.findToken(id);
      if (token === undefined) throw notFound(store, "token", id);
      log.info("A runner token was revoked", { tokenId: id, runnerId: token.runnerId ?? "*" });
      return tokenView(token, clock.now());
    },
  };
}
