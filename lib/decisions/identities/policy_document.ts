/** IAM policy documents as data: https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_grammar.html */

export interface PolicyDocument {
  Version: "2012-10-17"
  Statement: PolicyStatement[]
}

export interface PolicyStatement {
  Sid: string
  Effect: "Allow" | "Deny"
  Action: string[]
  Resource: string[]
  Condition?: Condition
}

export type Condition = Record<string, Record<string, string | string[]>>

/** Where ARNs of an account begin: `aws`, and `aws-cn` or `aws-us-gov` elsewhere. */
export interface Account {
  partition: string
  /** Twelve digits. */
  id: string
}

/** The account that an ARN belongs to. */
export function accountOfArn(arn: string): Account {
  const [, partition = "aws", , , id = ""] = arn.split(":")
  return { partition, id }
}

/** The document as it is sent and shown: one form for one content. */
export function policyText(document: { Version: PolicyDocument["Version"]; Statement: object[] }): string {
  return JSON.stringify(document, null, 2)
}

/** The characters that IAM counts: white space is free. */
export function policySize(document: PolicyDocument): number {
  return policyText(document).replace(/\s/g, "").length
}

/** Whether two documents say the same, whatever their spacing and the order of their keys. */
export function isSamePolicy(a: string | null, b: string | null): boolean {
  return a !== null && b !== null && canonicalPolicy(a) === canonicalPolicy(b)
}

/** Indented JSON with sorted keys, for comparing and for showing differences; what is no JSON stays as it is. */
export function canonicalPolicy(text: string): string {
  try {
    return JSON.stringify(sorted(JSON.parse(text)), null, 2)
  } catch {
    return text
  }
}

function sorted(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(sorted)
  if (typeof value !== "object" || value === null) return value
  return Object.fromEntries(
    Object.entries(value)
      .sort(([a], [b]) => (a < b ? -1 : 1))
      .map(([key, item]) => [key, sorted(item)]),
  )
}
