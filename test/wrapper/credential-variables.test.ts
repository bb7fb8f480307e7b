import { expect, test } from "vitest";
import { createRedactor } from "../../src/secrets/redactor.ts";
import { credentialsIn } from "../../src/wrapper/credential-variables.ts";

const NAMES =
  "PGPASSWORD DBPASSWORD dbPassword PASSWORD_DB PASSWORDS PASSWORD1 MYSQL_PWD DBPWD dbpass LDAP_BIND_PW KEYTAB_PW OPENAI_KEY ENCRYPTION_KEY FERNET_KEY apiKey APIKEY SSHKEY STORAGE_KEY1 GITHUB_PAT VAULT_TOKEN_V2 CREDENTIAL_JSON GOOGLE_CREDS ATOKEN idToken AUTHORIZATION BASIC_AUTH AUTH COOKIE client-secret spring.datasource.password AZURE_SAS CONNECTION_STRING".split(
    " ",
  );
const SECRET = "xK9vq2LmZ7";

test("every name with a word for a credential in it is one", () => {
  for (const name of NAMES) expect(credentialsIn({ [name]: SECRET }), name).toContain(SECRET);
  const headers = { AUTHORIZATION: `Bearer ${SECRET}1`, BASIC_AUTH: `scott:${SECRET}2` };
  expect(credentialsIn(headers)).toEqual(expect.arrayContaining([`${SECRET}1`, `${SECRET}2`]));
});

const INSIDE = [
  `host=h user=u password=${SECRET}`,
  `host=h password='${SECRET}' dbname=d`,
  `jdbc:sqlserver://h:1433;user=sa;password=${SECRET}`,
  `jdbc:oracle:thin:scott/${SECRET}@//h:1521/x`,
  `DRIVER=x;UID=u;PWD=${SECRET};`,
  `DRIVER=x;PWD={${SECRET}};Encrypt=yes`,
  `DefaultEndpointsProtocol=https;AccountName=n;AccountKey=${SECRET};EndpointSuffix=s`,
  `Endpoint=sb://n.example/;SharedAccessKeyName=k;SharedAccessKey=${SECRET}`,
  `o.a.PlainLoginModule required username="u" password="${SECRET}";`,
  `https://n.example/c?sv=2022&sp=r&sig=${SECRET}&se=2027`,
  `{"user": "u", "password": "${SECRET}"}`,
  `{user: u, api_key: ${SECRET}}`,
  `Authorization: Bearer ${SECRET}`,
  `-Dx=y -Ddb.password=${SECRET} -Dz=1`,
  `https://${SECRET}@github.com/x`,
  `https://${SECRET}:x-oauth-basic@github.com/x`,
  `git+https://${SECRET}@github.com/x.git`,
  `postgresql://u:other1@h/a,postgresql://u:${SECRET}@h/b`,
  `postgresql://u:${SECRET}@h/a postgresql://u:other1@h/b`,
  `amqp://u:other1@h,v:${SECRET}@i`,
  `https://u:${SECRET}@h/x?mail=me@example.com`,
  `"http://u:${SECRET}@h"`,
  `scott:${SECRET}@h:5432`,
];

test.each(INSIDE)("the credential inside %s is masked whatever the name", (value) => {
  expect(createRedactor(credentialsIn({ ANY: value })).mask(`[${SECRET}]`)).not.toContain(SECRET);
  // A value of the secret store is such a text just as well.
  expect(createRedactor([value]).mask(`[${SECRET}]`)).not.toContain(SECRET);
});

test.each([["p@ss-w0rd"], ["a/b@c-w0rd"], ["s3cr,et;x"], ["a&b=c-w0rd"]])(
  "signs that could end a password don't: %s",
  (password) => {
    expect(credentialsIn({ A: `postgresql://u:${password}@h:1/d` })).toContain(password);
    expect(credentialsIn({ A: `host=h password="${password}"` })).toContain(password);
  },
);

test("what is no surprise masks nothing", () => {
  const innocent = {
    USE_TOKEN: "true",
    TOKEN_LIFETIME: "3600",
    MAX_TOKENS: "4096",
    AUTH: "basic",
    AUTH_TYPE: "openmetadata",
    SSH_AUTH_SOCK: "/tmp/ssh-XXXX/agent.12",
    AWS_ACCESS_KEY_ID: "AKIAIOSFODNN7EXAMPLE",
    AWS_WEB_IDENTITY_TOKEN_FILE: "/var/run/secrets/eks.amazonaws.com/serviceaccount/token",
    GOOGLE_APPLICATION_CREDENTIALS: "/etc/google/key.json",
    TOKEN_URL: "https://login.example/oauth/token",
    SECRET_NAME: "production-database",
    PWD: "/work/space",
    OLDPWD: "/work/other",
    PATH: "/usr/local/bin:/usr/bin",
    KEYBOARD: "qwertz-de",
    TURKEY_HOST: "tr.example.com",
    BYPASS: "localhost,example",
    SERVER: "https://gateway.example:8585/api?user=scott",
    GIT: "ssh://git@github.com/x",
    DATABASE: "postgresql://scott@db.example:5432/shop",
    IMAGE: "registry.example/team/image:1.2@sha256:abcdef0123456789",
  };
  const text = Object.values(innocent).join("\n");
  const masked = createRedactor(credentialsIn(innocent));
  expect(masked.mask(text)).toBe(text);
});
