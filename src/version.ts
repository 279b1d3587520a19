import packageJson from "../package.json" with { type: "json" };

/** Version of the server, semantic versioning. */
export const SERVER_VERSION: string = packageJson.version;
