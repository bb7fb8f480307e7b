import { defineErrors, type ErrorKind } from "../base/errors.ts";

/** Error kinds of configuration. */
export const CONFIG_ERRORS: { readonly ConfigInvalid: ErrorKind<"ConfigInvalid"> } = defineErrors({
  ConfigInvalid: {
    retryable: false,
    advice: "Correct every setting named here; docs/configuration.md lists what each accepts",
  },
});
