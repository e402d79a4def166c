/** Node's `process`, of which a browser is asked for settings alone. Two thirds of a kilobyte less. */
export const env = {};
