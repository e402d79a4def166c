import { compiler } from "markdown-to-jsx/react";
import type { Metadata } from "next";
import { NotFound } from "@/components/common/not-found";
import { DEFAULT_TEXTS } from "@/components/site/default-texts";
import { publicPageMetadata } from "@/lib/page-metadata";
import { settings } from "@/lib/settings";
import { readOperatorText, SITE_PAGES } from "@/lib/site-pages";
import { metadata as notFoundMetadata } from "../not-found";

export async function generateMetadata({ params }: PageProps<"/[page]">): Promise<Metadata> {
  const { page } = await params;
  const title = SITE_PAGES.get(page);
  return title ? publicPageMetadata(`/${page}`, title) : notFoundMetadata;
}

/** A page about the site, with the text of the operator or else a default one. */
export default async function SitePage({ params }: PageProps<"/[page]">) {
  const { page } = await params;
  const [title, DefaultText] = [SITE_PAGES.get(page), DEFAULT_TEXTS.get(page)];
  if (!title || !DefaultText) return <NotFound />;
  const text = await readOperatorText(page);
  const { contactEmail } = settings;
  return (
    <article className="site-page content-medium mx-auto">
      <h1 className="h3">{title}</h1>
      {text === undefined ? (
        <DefaultText />
      ) : (
        compiler(text, { disableParsingRawHTML: true, forceBlock: true })
      )}
      {contactEmail && (
        <p>
          Questions? Write to{" "}
          <a className="text-break" href={`mailto:${contactEmail}`}>
            {contactEmail}
          </a>
        </p>
      )}
    </article>
  );
}
