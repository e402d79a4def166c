import Form from "next/form";
import type { Sort } from "@/api/models";

export function SearchForm({ search, sort }: { search: string; sort: Sort }) {
  return (
    <Form action="/" className="search-form d-flex gap-2" role="search">
      <input
        key={search}
        className="form-control"
        type="search"
        name="q"
        aria-label="Search tickets"
        placeholder="Search"
        defaultValue={search}
        maxLength={200}
        dir="auto"
      />
      {sort !== "newest" && <input type="hidden" name="sort" value={sort} />}
      <button type="submit" className="btn btn-outline-primary">
        Search
      </button>
    </Form>
  );
}
