/** What S3 asks IAM about a request: its action, its resource, and the prefix of a listing. */
import type { AwsRequest } from "./request.ts"

export function s3Question({ method, path }: AwsRequest): {
  action: string
  resource: string
  context: Record<string, string>
} {
  const [place = "/", search = ""] = path.split("?")
  const query = new URLSearchParams(search)
  const [, bucket = "", ...rest] = decodeURIComponent(place).split("/")
  const key = rest.join("/")
  const arn = `arn:aws:s3:::${bucket}${key === "" ? "" : `/${key}`}`
  const question = (action: string, context = {}) => ({ action: `s3:${action}`, resource: arn, context })
  if (bucket === "") return { action: "s3:ListAllMyBuckets", resource: "*", context: {} }
  if (key === "") {
    if (method !== "GET" && method !== "HEAD")
      return question(method === "PUT" ? "CreateBucket" : "DeleteBucket")
    if (query.has("location")) return question("GetBucketLocation")
    return question("ListBucket", query.has("prefix") ? { "s3:prefix": query.get("prefix") } : {})
  }
  if (query.has("acl")) return question(method === "PUT" ? "PutObjectAcl" : "GetObjectAcl")
  if (method === "PUT" || method === "POST") return question("PutObject")
  return question(method === "DELETE" ? "DeleteObject" : "GetObject")
}
