import { expect, test } from "bun:test"
import { objectionToUserDataLine } from "../../../lib/decisions/launches/user_data_form.ts"

test.each([
  ["setup.sh", "--stdin-user-data < setup.sh"],
  ["file://setup.sh", "--stdin-user-data < setup.sh"],
  ["@scripts/setup.sh\n", "--stdin-user-data < scripts/setup.sh"],
  ["apt-get install -y nginx", "begin the script with a line such as #!/bin/sh"],
])("%p is refused with what works", (text, remedy) => {
  expect(objectionToUserDataLine(text)).toContain(remedy)
})

test.each([
  ["nothing", ""],
  ["a script", "#!/bin/sh\nexit 0\n"],
  ["a script of one line", "#!/usr/bin/env python3"],
  ["a config", "#cloud-config"],
  ["an include", "#include https://example.org/x"],
  ["MIME", "Content-Type: multipart/mixed"],
  ["several lines", "apt-get update\napt-get upgrade"],
])("%s is taken", (_what, text) => {
  expect(objectionToUserDataLine(text)).toBeNull()
})
