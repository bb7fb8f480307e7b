import { isKind } from "../../../base/errors.ts";
import { KUBERNETES_ERRORS } from "../../../kubernetes/errors.ts";
import { CONFIG_MAPS, type ConfigMap, type Resource, SECRETS, type Secret } from "../../../kubernetes/objects.ts";
import { type Place, refuseOthers, settle, uidOf } from "./place.ts";

/** What holds texts: a Secret, or a ConfigMap where there is no right to make Secrets. */
export type Holder = Secret | ConfigMap;

/** Takes back what was written. */
export type Undo = () => Promise<void>;

/**
 * Creates the object, or changes the one of ours that has its name. Secrets are never read: a patch that changes nothing
 * answers the object as it is, and needs no right beyond the one to write it.
 * @throws CodedError ObjectNotOurs
 */
export async function writeObject(place: Place, wanted: Holder): Promise<Undo> {
  const { api, namespace } = place;
  const [resource, name] = [resourceOf(wanted), wanted.metadata.name];
  let undo: Undo = async () => undefined;
  await settle(place, `${wanted.kind} ${name}`, async () => {
    const created = await createNew(place, wanted);
    if (created !== undefined) {
      const options = { propagation: "Background", ...uidOf(created) } as const;
      undo = async () => void (await api.remove(resource, namespace, name, options));
      return true;
    }
    const present = await api.patch(resource, namespace, name, {});
    refuseOthers(place, present);
    await api.patch(resource, namespace, name, changesTo(wanted, present));
    undo = async () => void (await api.patch(resource, namespace, name, changesTo(present, wanted)));
    return true;
  });
  return undo;
}

/** Makes the object when there is none, which it answers, and leaves one of ours alone. @throws CodedError ObjectNotOurs */
export async function ensureObject(place: Place, wanted: Holder): Promise<boolean> {
  const present = await peek(place, resourceOf(wanted), wanted.metadata.name);
  if (present === undefined) await writeObject(place, wanted);
  else refuseOthers(place, present);
  return present === undefined;
}

/** The object without the right to read it, or undefined when there is none. */
export async function peek<T extends Holder>(
  { api, namespace }: Place,
  resource: Resource<T>,
  name: string,
): Promise<T | undefined> {
  try {
    return await api.patch(resource, namespace, name, {});
  } catch (error) {
    if (isKind(error, KUBERNETES_ERRORS.ApiNotFound)) return undefined;
    throw error;
  }
}

/** Where an object of this kind is in the API. */
export function resourceOf(object: Holder): Resource<Holder> {
  return object.kind === SECRETS.kind ? SECRETS : CONFIG_MAPS;
}

async function createNew({ api, namespace }: Place, wanted: Holder): Promise<Holder | undefined> {
  try {
    return await api.create(resourceOf(wanted), namespace, wanted);
  } catch (error) {
    if (isKind(error, KUBERNETES_ERRORS.ApiAlreadyExists)) return undefined;
    throw error;
  }
}

/** A merge patch that makes one object what another one says, keys that are gone included. */
function changesTo(wanted: Holder, present: Holder): Record<string, unknown> {
  const texts = "stringData" in wanted ? wanted.stringData : undefined;
  const keys = { ...wanted.data, ...texts };
  return {
    metadata: {
      labels: merged(wanted.metadata.labels, present.metadata.labels),
      annotations: merged(wanted.metadata.annotations, present.metadata.annotations),
      ownerReferences: wanted.metadata.ownerReferences ?? null,
    },
    data: {
      ...without(keys, { ...present.data, ...("stringData" in present ? present.stringData : {}) }),
      ...wanted.data,
    },
    ...(texts === undefined ? {} : { stringData: texts }),
  };
}

type Texts = Readonly<Record<string, string>>;

function merged(wanted: Texts = {}, present: Texts = {}): Record<string, string | null> {
  return { ...without(wanted, present), ...wanted };
}

function without(wanted: Texts, present: Texts): Record<string, null> {
  const gone = Object.keys(present).filter((key) => !Object.hasOwn(wanted, key));
  return Object.fromEntries(gone.map((key) => [key, null]));
}
