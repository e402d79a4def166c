import Link from "next/link";

export function Footer() {
  return (
    <footer className="site-footer">
      <div className="container py-3 small">
        <Link href="/api/docs" prefetch={false}>
          API documentation
        </Link>
      </div>
    </footer>
  );
}
