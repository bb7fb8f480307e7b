/** A value of a row. */
export type ShopValue = string | number | Uint8Array | null;

/** Rows of every table, by its name, with values in the order of its columns. */
export type ShopRows = Readonly<Record<string, readonly (readonly ShopValue[])[]>>;

const CATEGORIES = ["Books", "Coffee", "Garden", "Kitchen", "Music", "Tools"];
const FIRST_NAMES = ["Ada", "Björn", "Chiara", "Dmitri", "Élise", "Fatima", "Goran", "Hana", "İpek", "Jun"];
const LAST_NAMES = ["Baker", "Ćosić", "Díaz", "Eriksen", "Fontaine", "García", "Håkansson", "Ito", "O'Brien", "Nguyễn"];
const COUNTRIES = ["DE", "ES", "FR", "JP", "NO", "US"];
const STATUSES = ["open", "paid", "sent", "returned"];
const METHODS = ["card", "invoice", "transfer"];
const DAY_MS = 86_400_000;
const FIRST_DAY = Date.UTC(2026, 0, 1);

/** The contents of the shop: a few hundred rows, the same ones every time. */
export function shopRows(): ShopRows {
  const draw = sequence(20_260_101);
  const categories = CATEGORIES.map((name, at) => [at + 1, name]);
  const customers = count(60).map((id) => {
    const [first, last] = [draw.from(FIRST_NAMES), draw.from(LAST_NAMES)];
    const phone = draw.below(3) === 0 ? null : `+49 30 ${100_000 + draw.below(900_000)}`;
    return [id, `customer${id}@shop.example`, `${first} ${last}`, phone, draw.from(COUNTRIES), moment(id)];
  });
  const products = count(40).map((id) => {
    const picture = id % 10 === 0 ? Uint8Array.of(0, id, 255) : null;
    const sku = `SKU-${String(id).padStart(4, "0")}`;
    return [id, 1 + draw.below(CATEGORIES.length), sku, `Product ${id}`, price(draw), draw.below(200), picture];
  });
  const orders = count(120).map((id) => {
    const note = draw.below(4) === 0 ? 'Please ring twice; it\'s the "blue" door' : null;
    return [id, 1 + draw.below(60), draw.from(STATUSES), moment(60 + id), note];
  });
  const items = orders.flatMap(([order]) => {
    const first = draw.below(40);
    return count(1 + draw.below(4)).map((line) => {
      return [Number(order), line, 1 + ((first + line * 7) % 40), 1 + draw.below(5), price(draw)];
    });
  });
  const payments = orders
    .filter(([, , status]) => status !== "open")
    .map(([order], at) => [
      at + 1,
      Number(order),
      draw.from(METHODS),
      price(draw),
      at % 9 === 0 ? null : moment(180 + at),
    ]);
  return { categories, customers, products, orders, order_items: items, payments };
}

/** How many rows each view has, counted from the rows themselves and not by SQL. */
export function shopViewRowCounts(rows: ShopRows): Readonly<Record<string, number>> {
  const categoryOf = new Map((rows["products"] ?? []).map(([product, category]) => [product, category]));
  const sold = new Set((rows["order_items"] ?? []).map(([, , product]) => categoryOf.get(product ?? null)));
  return {
    open_orders: (rows["orders"] ?? []).filter(([, , status]) => status === "open").length,
    sales_by_category: sold.size,
  };
}

interface Draws {
  below(limit: number): number;
  from<T>(list: readonly T[]): T;
}

/** A linear congruential generator: chance that is the same on every machine. */
function sequence(seed: number): Draws {
  let state = seed;
  const below = (limit: number): number => {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    return Math.floor((state / 2 ** 32) * limit);
  };
  return { below, from: (list) => list[below(list.length)] as (typeof list)[number] };
}

function count(rows: number): readonly number[] {
  return Array.from({ length: rows }, (_, at) => at + 1);
}

function price(draw: Draws): number {
  return (99 + draw.below(20_000)) / 100;
}

function moment(day: number): string {
  return new Date(FIRST_DAY + day * DAY_MS).toISOString().slice(0, 19).replace("T", " ");
}
