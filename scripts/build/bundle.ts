import { build, type Metafile } from "esbuild";

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
 * Bundles `entry` (a path in `root`) with all it imports into one CommonJS file. A module that is reached by `import()` alone
 * is wrapped in a function that is called at the first `import()`, so a role that isn't used isn't evaluated.
 */
export async function bundle(root: string, entry: string): Promise<Bundle> {
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
    keepNames: true,
    // An error that nobody caught is printed with its source line: keep that readable.
    lineLimit: 160,
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
