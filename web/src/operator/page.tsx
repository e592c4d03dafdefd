// The pages of those who run the installation, or a tenant of it.

import { useSession } from "../shell/first-state.ts";
import { strings } from "../strings.ts";

export default function OperatorPage({ section }: { readonly section: string }) {
  const session = useSession();
  if (session.may_be === "end_user") return <main className="p-8">{strings.operator.notYours}</main>;
  return (
    <main className="p-8" data-section={section}>
      <h1 className="text-xl font-semibold">{strings.operator.title}</h1>
    </main>
  );
}
