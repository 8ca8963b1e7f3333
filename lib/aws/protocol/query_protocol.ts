/** The SDK's query protocols, reading replies strictly (see xml.ts), and those of the hot operations as they arrive. */
import { AwsEc2QueryProtocol, AwsQueryProtocol } from "@aws-sdk/core/protocols"
import type {
  HandlerExecutionContext,
  HttpResponse,
  MetadataBearer,
  OperationSchema,
  SerdeFunctions,
} from "@smithy/types"
import { instanceReplies } from "../ec2/instance_replies.ts"
import { readXml, text } from "./xml.ts"

type Context = HandlerExecutionContext & SerdeFunctions

export class StrictEc2Protocol extends AwsEc2QueryProtocol {
  override async deserializeResponse<Output extends MetadataBearer>(
    operation: OperationSchema,
    context: Context,
    response: HttpResponse,
  ): Promise<Output> {
    const name = nameOf(operation)
    const hot = response.statusCode < 300 ? instanceReplies[name] : undefined
    if (!hot) return super.deserializeResponse(operation, context, await wholeReply(name, response))
    const reply = await readXml(response.body, `${name}Response`, hot.shape, hot.required)
    nameRequest(response, reply.requestId)
    return { ...reply, $metadata: this.deserializeMetadata(response) } as unknown as Output
  }
}

export class StrictQueryProtocol extends AwsQueryProtocol {
  override async deserializeResponse<Output extends MetadataBearer>(
    operation: OperationSchema,
    context: Context,
    response: HttpResponse,
  ): Promise<Output> {
    return super.deserializeResponse(operation, context, await wholeReply(nameOf(operation), response))
  }
}

/** `DescribeInstances`, from its full name with the namespace. */
const nameOf = (operation: OperationSchema) => operation.name.split("#").at(-1) ?? operation.name

const idShape = {
  requestId: text,
  RequestID: text,
  RequestId: text,
  ResponseMetadata: { RequestId: text },
} as const

/** Takes in the whole reply and makes sure that it is one, before the SDK reads it. */
async function wholeReply(operation: string, response: HttpResponse): Promise<HttpResponse> {
  const body = new Uint8Array(await new Response(response.body).arrayBuffer())
  const ids = await readXml(body, response.statusCode < 300 ? `${operation}Response` : null, idShape)
  nameRequest(response, ids.requestId || ids.RequestID || ids.RequestId || ids.ResponseMetadata.RequestId)
  response.body = body
  return response
}

/** EC2 says the request's id in the reply, and not always in its headers, where the SDK looks. */
function nameRequest(response: HttpResponse, requestId: string): void {
  if (requestId && !response.headers["x-amzn-requestid"]) response.headers["x-amzn-requestid"] = requestId
}
