/** That of the package. A test compares it with `package.json`, and a release writes it. */
export const version = "0.0.0"
