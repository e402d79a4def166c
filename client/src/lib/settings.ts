/** The settings of the server, read for each page. docs/client.md describes them. */
export const settings = {
  /** The address of the website, without a slash at its end. */
  get publicUrl(): string {
    return (process.env.PUBLIC_URL || "http://localhost:8080").replace(/\/+$/, "");
  },
  get currency(): string {
    return (process.env.CURRENCY || "usd").toLowerCase();
  },
  /** The address for questions to the operator. */
  get contactEmail(): string | undefined {
    return process.env.CONTACT_EMAIL || undefined;
  },
  /** The folder of the operator's own texts. */
  get pagesDir(): string | undefined {
    return process.env.PAGES_DIR || undefined;
  },
};
