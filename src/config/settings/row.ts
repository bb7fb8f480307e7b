/** One row of the settings table: how a setting is named, read and explained. */
export interface SettingRow<T> {
  /** Environment variables, newest name first; the first that is set wins. The flag is the first one in kebab-case. */
  readonly variables: readonly [string, ...string[]];
  /** Turns a text into the value. @throws Error whose message completes "must be …" */
  readonly parse: (text: string) => T;
  /** Used when nothing is set; absent: the setting is required. */
  readonly fallback?: () => T;
  /** One sentence for the documents and for `--help`. */
  readonly meaning: string;
  /** What documents and `config show` say instead of the fallback, when that is worked out from other settings or is no value. */
  readonly otherwise?: string;
  /** How the value `undefined` is said where it is asked for, such as `off`. */
  readonly absent?: string;
  /** `value`: never shown. `values`: a mapping whose names are shown and whose values are not. */
  readonly secret?: "value" | "values";
  /** Not a flag: a command line can be read by everybody on the machine. */
  readonly noFlag?: true;
}

/** The rows of some settings, one for each field. */
export type SettingRows<S> = { readonly [K in keyof S]: SettingRow<S[K]> };
