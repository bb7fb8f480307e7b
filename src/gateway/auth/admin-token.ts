import { CodedError } from "../../base/errors.ts";
import { Sensitive } from "../../base/sensitive.ts";
import { tokenMistake } from "../../config/token-shape.ts";
import { equalInConstantTime, randomToken } from "../../runtime/crypto.ts";
import { joinPath } from "../../runtime/files.ts";
import { AUTH_ERRORS } from "./errors.ts";
import { readOrMakeSecretFile } from "./secret-file.ts";

/** Name of the admin token's file in the gateway's data directory. */
export const ADMIN_TOKEN_FILE = "admin-token";

const ANEW = { advice: "Write a token into the file, or remove it: the gateway makes a new one when it starts" };

/** Where the admin token comes from. */
export interface AdminTokenSource {
  readonly dataDirectory: string;
  /** Given as a setting; wins over any file. */
  readonly adminToken: Sensitive | undefined;
  /** Another file than the one in the data directory. */
  readonly adminTokenFile: string | undefined;
}

/**
 * The token that the REST API asks for: the setting, or the text of its file, which is made with a random token (mode 0600) when there is none.
 * @throws CodedError KeyFileUnusable
 */
export async function openAdminToken(source: AdminTokenSource): Promise<Sensitive> {
  if (source.adminToken !== undefined) return source.adminToken;
  const path = adminTokenPath(source);
  const text = (await readOrMakeSecretFile(path, () => `${randomToken()}\n`)).trim();
  if (text === "") throw new CodedError(AUTH_ERRORS.KeyFileUnusable, `Cannot use ${path}: it is empty`, ANEW);
  const mistake = tokenMistake(text);
  if (mistake !== undefined)
    throw new CodedError(
      AUTH_ERRORS.KeyFileUnusable,
      `Cannot use the admin token of ${path}: it must be ${mistake}`,
      ANEW,
    );
  return new Sensitive(text);
}

/** The file that the admin token is read from when it isn't a setting. */
export function adminTokenPath(source: Pick<AdminTokenSource, "dataDirectory" | "adminTokenFile">): string {
  return source.adminTokenFile ?? joinPath(source.dataDirectory, ADMIN_TOKEN_FILE);
}

/** @throws CodedError AdminTokenRefused */
export function verifyAdminToken(expected: Sensitive, shown: string | undefined): void {
  if (shown === undefined) {
    throw new CodedError(AUTH_ERRORS.AdminTokenRefused, "Cannot serve the request: no bearer token was sent");
  }
  if (!equalInConstantTime(expected.reveal(), shown)) {
    throw new CodedError(
      AUTH_ERRORS.AdminTokenRefused,
      "Cannot serve the request: the bearer token is not the admin token",
    );
  }
}
