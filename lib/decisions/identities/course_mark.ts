/**
 * The course's mark at AWS: a managed policy that is attached to nobody, whose tags name the one installation that launches for the
 * course. Two with a ledger each would spend the budget twice, and take students' keys from each other.
 */
import { tagOf } from "../../base/instance.ts"
import { type Account, type PolicyDocument, policyText } from "./policy_document.ts"

/** What the tags of the mark say. */
export interface CourseMark {
  /** The ledger's id. */
  installation: string
  /** The machine's hash; `sharedLedger` where hosts share one PostgreSQL; "" where it was not known. */
  machine: string
  /** The login host that set it, for people. */
  host: string
}

/** In place of a machine: any host of one PostgreSQL is the same installation. */
export const sharedLedger = "shared"

const keys = {
  installation: "ec2-wrappers:installation",
  machine: "ec2-wrappers:machine",
  host: "ec2-wrappers:host",
}

export function markPolicyName(course: string): string {
  return `${course}-installation`
}

export function markPolicyArn({ partition, id }: Account, course: string): string {
  return `arn:${partition}:iam::${id}:policy/${course}/${markPolicyName(course)}`
}

/** It has to say something, and allows what everybody may do anyway. */
export function markDocument(): string {
  const document: PolicyDocument = {
    Version: "2012-10-17",
    Statement: [{ Sid: "Mark", Effect: "Allow", Action: ["sts:GetCallerIdentity"], Resource: ["*"] }],
  }
  return policyText(document)
}

export function markTags(
  course: string,
  { installation, machine, host }: CourseMark,
): Record<string, string> {
  return {
    [tagOf.course]: course,
    [keys.installation]: installation,
    [keys.machine]: machine,
    // A tag takes fewer characters than a host's name might have.
    [keys.host]: host.replace(/[^\w.-]/g, "").slice(0, 255),
  }
}

/** Null where the policy is missing or carries no mark. */
export function markOf(tags: Record<string, string> | null): CourseMark | null {
  const installation = tags?.[keys.installation]
  if (!installation) return null
  return { installation, machine: tags?.[keys.machine] ?? "", host: tags?.[keys.host] ?? "" }
}

/** Whose the course is. A machine that either side does not know tells nothing. */
export function whoseCourse(
  mark: CourseMark | null,
  own: Pick<CourseMark, "installation" | "machine">,
): "nobody's" | "ours" | "another ledger's" | "another machine's" {
  if (mark === null) return "nobody's"
  if (mark.installation !== own.installation) return "another ledger's"
  const isTold = mark.machine !== "" && own.machine !== ""
  return own.machine === sharedLedger || !isTold || mark.machine === own.machine
    ? "ours"
    : "another machine's"
}
