/** Paths that make up the application, put in by build.mjs. */
declare const RELAIS_SHELL: readonly string[];
/** What tells one build from another, put in by build.mjs. */
declare const RELAIS_BUILD: string;
