/** What a call that changes something answers: the id in AWS's reply (x-amzn-requestid), for the audit log. */
export interface Outcome {
  requestId: string
}
