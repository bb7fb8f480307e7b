import { readFile } from "node:fs/promises";
import { build, type Metafile, type Plugin } from "esbuild";

/** The program as one CommonJS file. */
export interface Bundle {
  readonly code: string;
  readonly bytes: number;
  /** What went in, by path; for the size report. */
  readonly metafile: Metafile;
}

/**
 * In CommonJS there is no `import.meta`. Inside the executable `__filename` is the executable itself,
 * which is what "the file of this module" can mean there.
 */
const MODULE_URL = "const moduleUrl = require('node:url').pathToFileURL(__filename).href;";

/**
 * zod's `z` is an object with everything in it, also forty languages of messages, and all of it would be kept and evaluated.
 * As a namespace import it is what esbuild can see through: a third of the code and a quarter of the start's processor time go away.
 */
const zodAsNamespace: Plugin = {
  name: "zod-as-namespace",
  setup({ onLoad, initialOptions }) {
    const sources = `${initialOptions.absWorkingDir ?? ""}/src/`;
    onLoad({ filter: /\.ts$/ }, async ({ path }) => {
      if (!path.replaceAll("\\", "/").startsWith(sources.replaceAll("\\", "/"))) return undefined;
      const text = await readFile(path, "utf8");
      return { loader: "ts", contents: text.replace('import { z } from "zod";', 'import * as z from "zod";') };
    });
  },
};

/** Leaves out the commands that `wanted` refuses, so that a part of the program needn't carry the others. */
function onlyCommands(wanted: (name: string) => boolean): Plugin {
  return {
    name: "only-commands",
    setup({ onResolve, onLoad }) {
      onResolve({ filter: /^\.\/[^/]+\.ts$/ }, ({ kind, importer, path }) => {
        if (kind !== "dynamic-import" || !/[\\/]commands[\\/]catalogue\.ts$/.test(importer)) return undefined;
        return wanted(path.slice("./".length, -".ts".length)) ? undefined : { path, namespace: "left-out" };
      });
      onLoad({ filter: /.*/, namespace: "left-out" }, ({ path }) => ({
        contents: `throw new Error(${JSON.stringify(`${path} is in another part`)});`,
      }));
    },
  };
}

/**
 * Bundles `entry` (a path in `root`) with all it imports into one CommonJS file, of the commands only those that are wanted.
 * A module that is reached by `import()` alone is wrapped in a function that is called at the first `import()`, so what isn't
 * used isn't evaluated.
 */
export async function bundle(
  root: string,
  entry: string,
  wanted: (command: string) => boolean = () => true,
): Promise<Bundle> {
  const result = await build({
    absWorkingDir: root,
    entryPoints: [entry],
    bundle: true,
    write: false,
    metafile: true,
    platform: "node",
    format: "cjs",
    target: "node26",
    minifySyntax: true,
    minifyWhitespace: true,
    // Names stay as they are, since identifiers aren't minified. With `keepNames` each closure would have its name defined at each
    // making: 256 bytes and the time for it, three times for each live run.
    keepNames: false,
    // An error that nobody caught is printed with its source line: keep that readable.
    lineLimit: 160,
    plugins: [zodAsNamespace, onlyCommands(wanted)],
    legalComments: "none",
    logLevel: "silent",
    outfile: "hybrid-runner.cjs",
    banner: { js: MODULE_URL },
    define: {
      "import.meta.url": "moduleUrl",
      "import.meta.dirname": "__dirname",
      "import.meta.filename": "__filename",
    },
  });
  const [file] = result.outputFiles;
  if (file === undefined) throw new Error(`Cannot bundle ${entry}: esbuild wrote no file`);
  return { code: file.text, bytes: file.contents.byteLength, metafile: result.metafile };
}
