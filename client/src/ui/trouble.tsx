import { type Failure, wordsOf } from "@/api/answer";

/** What went wrong, told once. */
export function Trouble({ failure }: { failure: Failure }) {
  return (
    <div className="alert alert-danger" role="alert">
      {wordsOf(failure)}
    </div>
  );
}
