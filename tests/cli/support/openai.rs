//! The `openai` package, which must be able to read result lines.

use std::path::Path;
use std::process::Command;

use super::real::installed;

/// Prints the text and the number of tokens of each response in the result files
/// that are its arguments, and the code of each error.
const VALIDATE: &str = r#"
import json, sys
from openai.types import BatchError
from openai.types.chat import ChatCompletion
for path in sys.argv[1:]:
    for line in open(path):
        line = json.loads(line)
        assert set(line) - {"seconds", "copied"} == {"id", "custom_id", "response", "error"}, line
        assert isinstance(line["id"], str) and isinstance(line["custom_id"], str), line
        if line["response"] is not None:
            assert set(line["response"]) == {"status_code", "request_id", "body"}, line
            assert isinstance(line["response"]["status_code"], int), line
            assert isinstance(line["response"]["request_id"], str), line
        if line["error"] is not None:
            print(BatchError.model_validate(line["error"], strict=True).code)
        elif line["response"] is not None:
            completion = ChatCompletion.model_validate(line["response"]["body"], strict=True)
            print(completion.choices[0].message.content, completion.usage.total_tokens)
"#;

/// A command that reads result files with the `openai` package, if the interpreter
/// that `GRAVIX_TEST_PYTHON` names has it.
pub fn reader(files: &[&Path]) -> Option<Command> {
    let lack = "has no openai package";
    let mut python = installed("GRAVIX_TEST_PYTHON", "python3", &["-c", "import openai"], lack)?;
    python.args(["-c", VALIDATE]).args(files);
    Some(python)
}
