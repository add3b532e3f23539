/**
 * The URL of this module. It stands alone, to be loaded when it is needed: test runners that compile modules to CommonJS
 * cannot compile this one.
 */
export const ownUrl: string | undefined = import.meta.url;
