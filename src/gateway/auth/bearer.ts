/** The token in an `Authorization` header (RFC 6750 §2.1), or undefined when there is none or it is of another scheme. */
export function bearerToken(header: string | undefined): string | undefined {
  return /^Bearer +(\S+) *$/i.exec(header ?? "")?.[1];
}
