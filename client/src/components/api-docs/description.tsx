import { Fragment, type ReactNode } from "react";

/** Render a description: paragraphs, lists with "- ", `code` and **bold**. */
export function Description({ text = "" }: { text?: string }) {
  const blocks = text.trim().split(/\n\s*\n/);
  return blocks.flatMap(splitLists).map((block) =>
    block.items ? (
      <ul key={block.key}>
        {block.items.map((item) => (
          <li key={item}>{renderInline(item)}</li>
        ))}
      </ul>
    ) : (
      <p key={block.key}>{renderInline(block.key)}</p>
    ),
  );
}

type Block = { key: string; items?: string[] };

/** Split a block into its text and its list, which can follow without a blank line. */
function splitLists(block: string): Block[] {
  const blocks: Block[] = [];
  for (const line of block.split("\n")) {
    const last = blocks.at(-1);
    const item = line.match(/^\s*- (.*)/)?.[1];
    if (item !== undefined && last?.items) last.items.push(item);
    else if (item !== undefined) blocks.push({ key: line, items: [item] });
    else if (last?.items) last.items.push(`${last.items.pop()} ${line.trim()}`);
    else if (last) last.key += ` ${line.trim()}`;
    else if (line.trim()) blocks.push({ key: line.trim() });
  }
  return blocks;
}

function renderInline(text: string): ReactNode {
  return text.split(/(`[^`]+`|\*\*[^*]+\*\*)/).map((part, index) => {
    const key = `${index} ${part}`;
    if (part.startsWith("`")) return <code key={key}>{part.slice(1, -1)}</code>;
    if (part.startsWith("**")) return <strong key={key}>{part.slice(2, -2)}</strong>;
    return <Fragment key={key}>{part}</Fragment>;
  });
}
