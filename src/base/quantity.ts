const FACTORS: Readonly<Record<string, number>> = {
  n: 1e-9,
  u: 1e-6,
  m: 1e-3,
  "": 1,
  k: 1e3,
  M: 1e6,
  G: 1e9,
  T: 1e12,
  P: 1e15,
  E: 1e18,
  Ki: 2 ** 10,
  Mi: 2 ** 20,
  Gi: 2 ** 30,
  Ti: 2 ** 40,
  Pi: 2 ** 50,
  Ei: 2 ** 60,
};

/** The number that a Kubernetes quantity means; not a number when it is none. */
export function quantityNumber(text: string): number {
  const [, digits, suffix = ""] = /^(\d{1,18}(?:\.\d{1,9})?)([A-Za-z]{0,2}|[eE][+-]?\d{1,2})$/.exec(text) ?? [];
  if (digits === undefined) return Number.NaN;
  if (/^[eE][+-]?\d/.test(suffix)) return Number(digits + suffix);
  return Number(digits) * (FACTORS[suffix] ?? Number.NaN);
}
