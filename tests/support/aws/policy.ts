/**
 * An evaluator of IAM identity policies, for what moto does not do: resources, conditions and policy variables.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
import { globPattern } from "./filters.ts"

export type Decision = "allowed" | "explicitDeny" | "implicitDeny"

export interface Question {
  /** `ec2:TerminateInstances`. */
  action: string
  /** An ARN, or `*` for calls that name no resource. */
  resource: string
  /** Condition keys, e.g. `aws:username`, `aws:ResourceTag/ec2-wrappers:owner`. Their names are matched without regard to case. */
  context: Record<string, string | string[]>
}

interface Statement {
  Sid?: string
  Effect: "Allow" | "Deny"
  Action?: string | string[]
  NotAction?: string | string[]
  Resource?: string | string[]
  NotResource?: string | string[]
  Condition?: Record<string, Record<string, string | string[]>>
}

/** Decides by all policies of a principal together: a deny wins, what nobody allows is denied. */
export function evaluate(documents: string[], question: Question): Decision {
  const context = new Map(
    Object.entries(question.context).map(([key, value]) => [key.toLowerCase(), [value].flat()]),
  )
  const applying = documents
    .flatMap(statementsOf)
    .filter((statement) => applies(statement, question, context))
  if (applying.some(({ Effect }) => Effect === "Deny")) return "explicitDeny"
  return applying.some(({ Effect }) => Effect === "Allow") ? "allowed" : "implicitDeny"
}

type Context = Map<string, string[]>

function statementsOf(document: string): Statement[] {
  const { Statement } = JSON.parse(document) as { Statement: Statement | Statement[] }
  return [Statement].flat()
}

function applies(statement: Statement, { action, resource }: Question, context: Context): boolean {
  const actionMatches = (glob: string) => globPattern(glob.toLowerCase()).test(action.toLowerCase())
  const resourceMatches = (glob: string) => variablePattern(glob, context)?.test(resource) ?? false
  const { Action, NotAction, Resource, NotResource } = statement
  if (Action !== undefined && ![Action].flat().some(actionMatches)) return false
  if (NotAction !== undefined && [NotAction].flat().some(actionMatches)) return false
  if (Resource !== undefined && ![Resource].flat().some(resourceMatches)) return false
  if (NotResource !== undefined && [NotResource].flat().some(resourceMatches)) return false
  return Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
    Object.entries(keys).every(([key, wanted]) => conditionHolds(operator, key, [wanted].flat(), context)),
  )
}

/** What a variable stands for is literal, its wildcards are not patterns; a variable without a value makes the text match nothing. */
function variablePattern(text: string, context: Context): RegExp | null {
  let known = true
  const source = text
    .split(/(\$\{[^}]*\})/)
    .map((part) => {
      const name = /^\$\{(.*)\}$/.exec(part)?.[1]
      if (name === undefined) return globPattern(part).source.slice(1, -1)
      if (["*", "?", "$"].includes(name)) return `\\${name}`
      const value = context.get(name.toLowerCase())?.[0]
      if (value === undefined) known = false
      return (value ?? "").replace(/[.*+?^${}()|[\]\\]/g, "\\$&")
    })
    .join("")
  return known ? new RegExp(`^${source}$`) : null
}

function plainValue(text: string, context: Context): string | null {
  let known = true
  const value = text.replace(/\$\{([^}]*)\}/g, (_whole, name: string) => {
    if (["*", "?", "$"].includes(name)) return name
    const found = context.get(name.toLowerCase())?.[0]
    if (found === undefined) known = false
    return found ?? ""
  })
  return known ? value : null
}

type Test = (actual: string, wanted: string, context: Context) => boolean

const equals: Test = (actual, wanted, context) => plainValue(wanted, context) === actual
const like: Test = (actual, wanted, context) => variablePattern(wanted, context)?.test(actual) ?? false
const numeric =
  (compare: (actual: number, wanted: number) => boolean): Test =>
  (actual, wanted) =>
    compare(Number(actual), Number(wanted))
const date =
  (compare: (actual: number, wanted: number) => boolean): Test =>
  (actual, wanted) =>
    compare(Date.parse(actual), Date.parse(wanted))

const tests: Record<string, Test> = {
  StringEquals: equals,
  StringEqualsIgnoreCase: (actual, wanted, context) =>
    plainValue(wanted, context)?.toLowerCase() === actual.toLowerCase(),
  StringLike: like,
  ArnEquals: like,
  ArnLike: like,
  Bool: (actual, wanted) => actual.toLowerCase() === wanted.toLowerCase(),
  NumericEquals: numeric((a, b) => a === b),
  NumericLessThan: numeric((a, b) => a < b),
  NumericLessThanEquals: numeric((a, b) => a <= b),
  NumericGreaterThan: numeric((a, b) => a > b),
  NumericGreaterThanEquals: numeric((a, b) => a >= b),
  DateLessThan: date((a, b) => a < b),
  DateGreaterThan: date((a, b) => a > b),
}

function conditionHolds(operator: string, key: string, wanted: string[], context: Context): boolean {
  const [, quantifier, name = "", ifExists] =
    /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(operator) ?? []
  const actual = context.get(key.toLowerCase())
  if (name === "Null")
    return wanted.some((value) => (value.toLowerCase() === "true") === (actual === undefined))
  const negated = /^(String|Numeric|Date|Arn)Not/.test(name)
  const test = tests[negated ? name.replace("Not", "") : name]
  if (!test) throw new Error(`the evaluator does not know the condition operator ${operator}`)
  if (actual === undefined) return ifExists !== undefined || negated || quantifier === "ForAllValues"
  const holds = (value: string) => wanted.some((pattern) => test(value, pattern, context)) !== negated
  return quantifier === "ForAllValues" ? actual.every(holds) : actual.some(holds)
}
