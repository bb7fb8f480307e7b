/** Version of this program; equal to the one in package.json (tested). */
export const VERSION = "0.1.0";
