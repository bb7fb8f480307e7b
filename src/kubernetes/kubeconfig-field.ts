import { CodedError } from "../base/errors.ts";
import { KUBERNETES_ERRORS } from "./errors.ts";

/** A value somewhere in a kubeconfig that knows where it is, so that a mistake can be named. */
export class Field {
  readonly file: string;
  readonly path: string;
  readonly #value: unknown;

  constructor(file: string, path: string, value: unknown) {
    this.file = file;
    this.path = path;
    this.#value = value;
  }

  /** The mistake, told with file and path. The value itself is never told. */
  unusable(state: string): CodedError {
    const where = this.path === "" ? "its content" : this.path;
    return new CodedError(
      KUBERNETES_ERRORS.KubeconfigUnusable,
      `Cannot use the kubeconfig ${this.file}: ${where} ${state}`,
    );
  }

  /** A field of this mapping; it may be missing. */
  child(name: string): Field {
    return new Field(this.file, this.path === "" ? name : `${this.path}.${name}`, this.#mapping()[name]);
  }

  /** True when there is a value. */
  get present(): boolean {
    return this.#value !== undefined && this.#value !== null && this.#value !== "";
  }

  /** A text, or undefined when it is missing or empty. */
  text(name: string): string | undefined {
    const field = this.child(name);
    if (!field.present) return undefined;
    if (typeof field.#value !== "string") throw field.unusable("must be a text");
    return field.#value;
  }

  /** A text that must be there. */
  required(name: string): string {
    const value = this.text(name);
    if (value === undefined) throw this.child(name).unusable("is missing");
    return value;
  }

  /** True or false; false when it is missing. */
  flag(name: string): boolean {
    const field = this.child(name);
    if (!field.present) return false;
    if (typeof field.#value !== "boolean") throw field.unusable("must be true or false");
    return field.#value;
  }

  /** The entries of a list; none when it is missing. */
  list(name: string): readonly Field[] {
    const field = this.child(name);
    if (!field.present) return [];
    if (!Array.isArray(field.#value)) throw field.unusable("must be a list");
    return field.#value.map((entry, index) => new Field(this.file, `${field.path}[${index}]`, entry));
  }

  /** A list of texts. */
  texts(name: string): readonly string[] {
    return this.list(name).map((entry) => {
      if (typeof entry.#value !== "string") throw entry.unusable("must be a text");
      return entry.#value;
    });
  }

  /** Names of a mapping's fields. */
  names(name: string): readonly string[] {
    const field = this.child(name);
    return field.present ? Object.keys(field.#mapping()) : [];
  }

  #mapping(): Readonly<Record<string, unknown>> {
    const value = this.#value;
    if (value === undefined || value === null) return {};
    if (typeof value !== "object" || Array.isArray(value)) throw this.unusable("must be a mapping");
    return value as Readonly<Record<string, unknown>>;
  }
}
