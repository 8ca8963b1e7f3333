/**
 * Whose sessions the students' role denies everything: what AWS has issued cannot be taken back, but its role's policies are read at
 * every request. All denials stand in one inline policy, whose size IAM limits.
 */
import { tagOf } from "../../base/instance.ts"
import { isoUtc, latestOf, msPerSecond, type UtcMs, utcMsOf } from "../../base/time.ts"
import { type PolicyDocument, type PolicyStatement, policySize } from "./policy_document.ts"

/** Sessions of a login that were issued before an instant of AWS's clock. */
export interface EndedSessions {
  login: string
  issuedBeforeUtcMs: UtcMs
}

export interface SessionDenials {
  /** Null: nobody is denied. */
  document: PolicyDocument | null
  /** Sessions of everybody that were issued before are denied, because the list did not fit; null: only those listed. */
  everybodyBeforeUtcMs: UtcMs | null
}

const ownerKey = `aws:PrincipalTag/${tagOf.owner}`

/**
 * The denials as a policy of at most `room` characters without white space.
 *
 * A suspended login is denied without a date, since AWS may be issuing a session at this moment. Others are denied what was issued
 * before their instant. Where all of that does not fit, what is left out is covered by one statement that ends the sessions of
 * everybody issued until then: honest students get new ones at their next call, and the suspended get none from us.
 *
 * @param suspended logins, those suspended last first: they are the last to be left out.
 */
export function sessionDenials(
  suspended: readonly string[],
  ended: readonly EndedSessions[],
  room: number,
): SessionDenials {
  const lasting = new Set(suspended)
  const lifted = ended.filter(({ login }) => !lasting.has(login))
  const fits = (statements: PolicyStatement[]) => policySize(documentOf(statements)) <= room
  const listed = [...suspendedStatement(suspended), ...endedStatements(lifted)]
  if (listed.length === 0) return { document: null, everybodyBeforeUtcMs: null }
  if (fits(listed)) return { document: documentOf(listed), everybodyBeforeUtcMs: null }
  // The most logins, suspended last, that fit beside the statement for everybody.
  for (let count = suspended.length; count >= 0; count--) {
    const kept = new Set(suspended.slice(0, count))
    const left = ended.filter(({ login }) => !kept.has(login)).map((cut) => cut.issuedBeforeUtcMs)
    const before = left.length > 0 ? latestOf(...left) : null
    const statements = [
      ...suspendedStatement([...kept]),
      ...(before !== null ? [denial("Everybody", beforeInstant(before))] : []),
    ]
    if (fits(statements)) return { document: documentOf(statements), everybodyBeforeUtcMs: before }
  }
  throw new RangeError(`${room} characters hold no denial`)
}

function suspendedStatement(logins: readonly string[]): PolicyStatement[] {
  if (logins.length === 0) return []
  return [denial("Suspended", { StringEquals: { [ownerKey]: logins.toSorted() } })]
}

/** One statement for each instant: logins that were lifted or removed together share it. */
function endedStatements(ended: readonly EndedSessions[]): PolicyStatement[] {
  const byInstant = Map.groupBy(ended, ({ issuedBeforeUtcMs }) => issuedBeforeUtcMs)
  return [...byInstant]
    .sort(([a], [b]) => a - b)
    .map(([instant, those], index) =>
      denial(`Ended${index}`, {
        StringEquals: { [ownerKey]: those.map(({ login }) => login).toSorted() },
        ...beforeInstant(instant),
      }),
    )
}

function beforeInstant(instant: UtcMs) {
  return { DateLessThan: { "aws:TokenIssueTime": isoUtc(wholeSecondAfter(instant)) } }
}

/** IAM compares to the second: what was issued within the second of a denial is denied, too. */
export function wholeSecondAfter(instant: UtcMs): UtcMs {
  return utcMsOf(Math.ceil(instant / msPerSecond) * msPerSecond)
}

function denial(sid: string, condition: NonNullable<PolicyStatement["Condition"]>): PolicyStatement {
  return { Sid: sid, Effect: "Deny", Action: ["*"], Resource: ["*"], Condition: condition }
}

function documentOf(statements: PolicyStatement[]): PolicyDocument {
  return { Version: "2012-10-17", Statement: statements }
}
