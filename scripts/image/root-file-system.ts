import { chmod, copyFile, mkdir, rm, symlink, writeFile } from "node:fs/promises";
import { basename, dirname, join, relative } from "node:path";
import { rootCertificates } from "node:tls";
import { EXECUTABLE_FILE, LOADER_FILE, WRAPPER_MOUNT_PATH } from "../../src/executor/pods/wrapper/wrapper-place.ts";
import { executableFiles } from "./executable-files.ts";

/** The user of the image, without rights of its own. */
export const IMAGE_USER = { name: "hybrid-runner", id: 10_001 } as const;

/** What the image says beside its files: without arguments it is the runner, as charts that name none expect. */
export const IMAGE_ENTRYPOINT: readonly string[] = ["/usr/local/bin/hybrid-runner"];
export const IMAGE_ARGUMENTS: readonly string[] = ["run"];

const { name, id } = IMAGE_USER;

const FILES: Readonly<Record<string, string>> = {
  "etc/passwd": `root:x:0:0:root:/:/sbin/nologin\n${name}:x:${id}:${id}::/tmp:/sbin/nologin\n`,
  "etc/group": `root:x:0:\n${name}:x:${id}:\n`,
  "etc/nsswitch.conf": "hosts: files dns\n",
  // The runtime trusts these by itself; other programs of the image, and SSL_CERT_FILE, find them here.
  "etc/ssl/certs/ca-certificates.crt": `${rootCertificates.join("\n")}\n`,
};

/** Directories that every user may write, as on any system. */
const OPEN_DIRECTORIES = ["tmp", "var/tmp", "var/lib/hybrid-runner"];

/**
 * Writes the root file system of the runner's image into `directory`, in place of what is there. The executable is in
 * `WRAPPER_MOUNT_PATH` with its loader and libraries beside it, which is what ingestion pods copy or mount, and where the
 * system looks for them there are links, so that in this image it starts by its name.
 */
export async function writeRootFileSystem(executable: string, directory: string): Promise<void> {
  const { loader, libraries } = await executableFiles(executable);
  await rm(directory, { recursive: true, force: true });
  const own = join(directory, WRAPPER_MOUNT_PATH);
  await mkdir(own, { recursive: true });
  await copyAs(executable, join(own, EXECUTABLE_FILE));
  await copyAs(loader, join(own, LOADER_FILE));
  await link(directory, loader, LOADER_FILE);
  for (const [library, path] of Object.entries(libraries)) {
    await copyAs(path, join(own, library));
    await link(directory, join(dirname(path), library), library);
  }
  await link(directory, IMAGE_ENTRYPOINT[0] ?? "", EXECUTABLE_FILE);
  for (const [path, text] of Object.entries(FILES)) {
    await mkdir(dirname(join(directory, path)), { recursive: true });
    await writeFile(join(directory, path), text);
  }
  for (const path of OPEN_DIRECTORIES) {
    await mkdir(join(directory, path), { recursive: true });
    await chmod(join(directory, path), 0o1777);
  }
}

async function copyAs(from: string, to: string): Promise<void> {
  await copyFile(from, to);
  await chmod(to, 0o755);
}

/** At the absolute path `path` of the image a link to `file` of the wrapper's folder. */
async function link(directory: string, path: string, file: string): Promise<void> {
  const place = join(directory, path);
  await mkdir(dirname(place), { recursive: true });
  await symlink(relative(dirname(path), join(WRAPPER_MOUNT_PATH, basename(file))), place);
}
