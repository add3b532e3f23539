/** The URL of this module. Imported on demand: test runners that compile to CommonJS cannot compile it. */
export const ownUrl: string | undefined = import.meta.url;
