import type { ProxyAddress } from "./proxy-address.ts";

/** Why a proxy opens no way, and what to do. */
export interface ProxyRefusal {
  readonly says: string;
  readonly advice: string;
}

/** What a proxy's answer to CONNECT says (head without its last empty line); undefined when the way is open. */
export function readProxyAnswer(head: string, proxy: ProxyAddress): ProxyRefusal | undefined {
  const status = /^HTTP\/1\.[01] (\d{3})/.exec(head)?.[1];
  if (status === undefined) return { says: "its answer is not HTTP", advice: "Check the proxy's address and port" };
  if (status.startsWith("2")) return undefined;
  if (status === "407") return signIn(head, proxy);
  const row = Object.entries(REFUSALS).find(([statuses]) => statuses.split(" ").includes(status))?.[1];
  const { says, advice } = row ?? { says: "it refuses", advice: "Look into the proxy's log" };
  return { says: `${says} (${status})`, advice };
}

const REFUSALS: Readonly<Record<string, ProxyRefusal>> = {
  "401 403 451": {
    says: "it doesn't let this address through",
    advice: "Have the proxy's administrator allow CONNECT to this host and port, or list the host in NO_PROXY",
  },
  "400 404 405 426 501": {
    says: "it opens no tunnels",
    advice: "Check that this is the address of a forward proxy, which takes CONNECT, and not of another server",
  },
  "500 502 503 504": {
    says: "it can't reach this address",
    advice: "Check the host's name and port, and that the proxy may connect there; or list the host in NO_PROXY",
  },
  "429": { says: "it is asked too often", advice: "Wait, or have the proxy's limit raised" },
};

function signIn(head: string, { credentials }: ProxyAddress): ProxyRefusal {
  const kinds = [...head.matchAll(/^proxy-authenticate:\s*([\w-]+)/gim)].map(([, kind]) => kind ?? "");
  if (kinds.length > 0 && !kinds.some((kind) => kind.toLowerCase() === "basic")) {
    return {
      says: `it wants a sign-in by ${kinds.join(" or ")}, and only Basic is spoken here (407)`,
      advice: "Have the proxy let this machine through, or take Basic; a local proxy that signs in for it works too",
    };
  }
  return {
    says: `it ${credentials === undefined ? "wants a user and a password" : "doesn't take this user and password"} (407)`,
    advice: "Write user and password before the proxy's host, as in http://user:password@proxy.example.com:3128",
  };
}
