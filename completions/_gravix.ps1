
using namespace System.Management.Automation
using namespace System.Management.Automation.Language

Register-ArgumentCompleter -Native -CommandName 'gravix' -ScriptBlock {
    param($wordToComplete, $commandAst, $cursorPosition)

    $commandElements = $commandAst.CommandElements
    $command = @(
        'gravix'
        for ($i = 1; $i -lt $commandElements.Count; $i++) {
            $element = $commandElements[$i]
            if ($element -isnot [StringConstantExpressionAst] -or
                $element.StringConstantType -ne [StringConstantType]::BareWord -or
                $element.Value.StartsWith('-') -or
                $element.Value -eq $wordToComplete) {
                break
        }
        $element.Value
    }) -join ';'

    $completions = @(switch ($command) {
        'gravix' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('-V', '-V ', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('--version', '--version', [CompletionResultType]::ParameterName, 'Print version')
            [CompletionResult]::new('ask', 'ask', [CompletionResultType]::ParameterValue, 'Ask a question and print the reply')
            [CompletionResult]::new('batch', 'batch', [CompletionResultType]::ParameterValue, 'Run a file of requests, many at a time')
            [CompletionResult]::new('models', 'models', [CompletionResultType]::ParameterValue, 'List the models that the server offers')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Show, check, repair or undo a conversation')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Print the settings in force, and where each comes from')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, as roff')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gravix;ask' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Put a text file into the prompt (repeatable)')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Put a text file into the prompt (repeatable)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Attach an image (repeatable); ''-'' is stdin')
            [CompletionResult]::new('--attach', '--attach', [CompletionResultType]::ParameterName, 'Attach an image (repeatable); ''-'' is stdin')
            [CompletionResult]::new('--attach-type', '--attach-type', [CompletionResultType]::ParameterName, 'The media type of the attachment before it, as image/png')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The system prompt')
            [CompletionResult]::new('--system', '--system', [CompletionResultType]::ParameterName, 'The system prompt')
            [CompletionResult]::new('--system-file', '--system-file', [CompletionResultType]::ParameterName, 'Read the system prompt from FILE')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The model''s name [env: GRAVIX_MODEL]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model''s name [env: GRAVIX_MODEL]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Sampling temperature, 0 to 2')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Sampling temperature, 0 to 2')
            [CompletionResult]::new('--top-p', '--top-p', [CompletionResultType]::ParameterName, 'Sample from this share of the probability, 0 to 1')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'End the reply after N tokens')
            [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'End the reply before TEXT (up to 4 times)')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Ask for the same reply each time, as far as possible')
            [CompletionResult]::new('--presence-penalty', '--presence-penalty', [CompletionResultType]::ParameterName, 'Penalty for tokens that occurred, -2 to 2')
            [CompletionResult]::new('--frequency-penalty', '--frequency-penalty', [CompletionResultType]::ParameterName, 'Penalty by how often tokens occurred, -2 to 2')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Send any other field of the request (repeatable)')
            [CompletionResult]::new('--body', '--body', [CompletionResultType]::ParameterName, 'Merge a JSON object into the request')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the reply to FILE, once it is whole')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the reply to FILE, once it is whole')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Print only the reply''s first code block [in LANG]')
            [CompletionResult]::new('--extract', '--extract', [CompletionResultType]::ParameterName, 'Print only the reply''s first code block [in LANG]')
            [CompletionResult]::new('--extract-last', '--extract-last', [CompletionResultType]::ParameterName, 'Print only the reply''s last code block [in LANG]')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Append a line of JSON about each request to FILE')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Take nothing but JSON of this JSON Schema')
            [CompletionResult]::new('--repair', '--repair', [CompletionResultType]::ParameterName, 'Ask again up to N times when the reply is not what was asked for')
            [CompletionResult]::new('--choose', '--choose', [CompletionResultType]::ParameterName, 'Take nothing but one of these words, and print it')
            [CompletionResult]::new('--tools', '--tools', [CompletionResultType]::ParameterName, 'Offer the model the tools that FILE defines, a JSON array')
            [CompletionResult]::new('--tool-choice', '--tool-choice', [CompletionResultType]::ParameterName, 'Which tool to call: auto, none, required, or a tool''s name')
            [CompletionResult]::new('--history', '--history', [CompletionResultType]::ParameterName, 'Continue the conversation in FILE, and append the turn')
            [CompletionResult]::new('--turns', '--turns', [CompletionResultType]::ParameterName, 'Send only the system message and the newest N turns')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'The API''s base URL, or ''mock:'' [env: GRAVIX_BASE_URL]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up connecting after S seconds (default 10)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Give up after S seconds of silence (default 300)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after S seconds, whatever happens')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Try again up to N times (default 2)')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this header too (repeatable)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header too (repeatable)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Take the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Take the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (-h prints a summary)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (-h prints a summary)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Never read stdin (for loops such as ''while read'')')
            [CompletionResult]::new('--no-stdin', '--no-stdin', [CompletionResultType]::ParameterName, 'Never read stdin (for loops such as ''while read'')')
            [CompletionResult]::new('--lossy', '--lossy', [CompletionResultType]::ParameterName, 'Replace bytes that are not UTF-8 by U+FFFD')
            [CompletionResult]::new('--stream', '--stream', [CompletionResultType]::ParameterName, 'Print tokens as they come, on a pipe too')
            [CompletionResult]::new('--no-stream', '--no-stream', [CompletionResultType]::ParameterName, 'Print the reply once it is complete, on a terminal too')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the server''s response as one JSON object')
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'Print each event of the reply''s stream as it comes, as a line of JSON')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Tell tokens, time to the first one, and tokens a second on stderr')
            [CompletionResult]::new('--usage', '--usage', [CompletionResultType]::ParameterName, 'Tell tokens, time to the first one, and tokens a second on stderr')
            [CompletionResult]::new('--log-content', '--log-content', [CompletionResultType]::ParameterName, 'Put the messages and the reply into the log too')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the body of the request, and send nothing')
            [CompletionResult]::new('--curl', '--curl', [CompletionResultType]::ParameterName, 'Print the request as a curl command, and send nothing')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Print control characters to a terminal as they are')
            [CompletionResult]::new('--json-object', '--json-object', [CompletionResultType]::ParameterName, 'Take nothing but a JSON object (JSON mode)')
            [CompletionResult]::new('--yes-no', '--yes-no', [CompletionResultType]::ParameterName, 'Print nothing: exit status 0 is yes, and 1 is no')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell connections, headers and times on stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell connections, headers and times on stderr')
            [CompletionResult]::new('--continue', '--continue', [CompletionResultType]::ParameterName, 'Send the history as it is, without a new prompt')
            [CompletionResult]::new('--no-save', '--no-save', [CompletionResultType]::ParameterName, 'Send the history, append nothing')
            [CompletionResult]::new('--no-wait', '--no-wait', [CompletionResultType]::ParameterName, 'Give up at once when another turn is under way')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key over plain http too, where anyone can read it')
            break
        }
        'gravix;batch' {
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'The system prompt, where a line has none')
            [CompletionResult]::new('--system', '--system', [CompletionResultType]::ParameterName, 'The system prompt, where a line has none')
            [CompletionResult]::new('--system-file', '--system-file', [CompletionResultType]::ParameterName, 'Read the system prompt from FILE')
            [CompletionResult]::new('--shard', '--shard', [CompletionResultType]::ParameterName, 'Take every N-th line from the I-th on')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Append results to FILE; go on where it ends')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Append results to FILE; go on where it ends')
            [CompletionResult]::new('--errors', '--errors', [CompletionResultType]::ParameterName, 'Append what failed to FILE instead')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Have N requests under way at once (default 8)')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Have N requests under way at once (default 8)')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Send no more than N requests a second, minute or hour')
            [CompletionResult]::new('--max-failures', '--max-failures', [CompletionResultType]::ParameterName, 'Stop when so many requests have failed')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'The model''s name [env: GRAVIX_MODEL]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'The model''s name [env: GRAVIX_MODEL]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Sampling temperature, 0 to 2')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Sampling temperature, 0 to 2')
            [CompletionResult]::new('--top-p', '--top-p', [CompletionResultType]::ParameterName, 'Sample from this share of the probability, 0 to 1')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'End the reply after N tokens')
            [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'End the reply before TEXT (up to 4 times)')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Ask for the same reply each time, as far as possible')
            [CompletionResult]::new('--presence-penalty', '--presence-penalty', [CompletionResultType]::ParameterName, 'Penalty for tokens that occurred, -2 to 2')
            [CompletionResult]::new('--frequency-penalty', '--frequency-penalty', [CompletionResultType]::ParameterName, 'Penalty by how often tokens occurred, -2 to 2')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Send any other field of the request (repeatable)')
            [CompletionResult]::new('--body', '--body', [CompletionResultType]::ParameterName, 'Merge a JSON object into the request')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Take nothing but JSON of this JSON Schema')
            [CompletionResult]::new('--repair', '--repair', [CompletionResultType]::ParameterName, 'Ask again up to N times when the reply is not what was asked for')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'The API''s base URL, or ''mock:'' [env: GRAVIX_BASE_URL]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up connecting after S seconds (default 10)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Give up after S seconds of silence (default 300)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after S seconds, whatever happens')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Try again up to N times (default 2)')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this header too (repeatable)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header too (repeatable)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Take the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Take the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (-h prints a summary)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (-h prints a summary)')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Take each line as a prompt, not as JSON')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'Take each NUL-ended record as a prompt; end --text by NUL')
            [CompletionResult]::new('--null', '--null', [CompletionResultType]::ParameterName, 'Take each NUL-ended record as a prompt; end --text by NUL')
            [CompletionResult]::new('--skip-bad', '--skip-bad', [CompletionResultType]::ParameterName, 'Let lines that are no requests fail, and go on')
            [CompletionResult]::new('--ordered', '--ordered', [CompletionResultType]::ParameterName, 'Keep the order of the input')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'Print the text of each reply alone, on one line')
            [CompletionResult]::new('--merge', '--merge', [CompletionResultType]::ParameterName, 'Join outputs: one line an id, the good one winning')
            [CompletionResult]::new('--json-object', '--json-object', [CompletionResultType]::ParameterName, 'Take nothing but a JSON object (JSON mode)')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell connections, headers and times on stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell connections, headers and times on stderr')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key over plain http too, where anyone can read it')
            break
        }
        'gravix;models' {
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'The API''s base URL, or ''mock:'' [env: GRAVIX_BASE_URL]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up connecting after S seconds (default 10)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Give up after S seconds of silence (default 300)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after S seconds, whatever happens')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Try again up to N times (default 2)')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this header too (repeatable)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this header too (repeatable)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Take the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Take the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the server''s answer as it came')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Tell connections, headers and times on stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Tell connections, headers and times on stderr')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key over plain http too, where anyone can read it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;history' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print a conversation for people, paged where it does not fit')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Name every line that is no message, and count the others')
            [CompletionResult]::new('repair', 'repair', [CompletionResultType]::ParameterValue, 'Move the lines that are no messages to FILE.bad')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Remove the newest turn, and print its lines')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gravix;history;show' {
            [CompletionResult]::new('--last', '--last', [CompletionResultType]::ParameterName, 'Show only the system message and the newest N turns')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Print control characters to a terminal as they are')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'gravix;history;check' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'gravix;history;repair' {
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'gravix;history;undo' {
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Drop notes and warnings, not errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'gravix;history;help' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print a conversation for people, paged where it does not fit')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Name every line that is no message, and count the others')
            [CompletionResult]::new('repair', 'repair', [CompletionResultType]::ParameterValue, 'Move the lines that are no messages to FILE.bad')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Remove the newest turn, and print its lines')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gravix;history;help;show' {
            break
        }
        'gravix;history;help;check' {
            break
        }
        'gravix;history;help;repair' {
            break
        }
        'gravix;history;help;undo' {
            break
        }
        'gravix;history;help;help' {
            break
        }
        'gravix;config' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Take the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Take the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('--init', '--init', [CompletionResultType]::ParameterName, 'Write a commented file to begin with, where there is none')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;completions' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;man' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;help' {
            [CompletionResult]::new('ask', 'ask', [CompletionResultType]::ParameterValue, 'Ask a question and print the reply')
            [CompletionResult]::new('batch', 'batch', [CompletionResultType]::ParameterValue, 'Run a file of requests, many at a time')
            [CompletionResult]::new('models', 'models', [CompletionResultType]::ParameterValue, 'List the models that the server offers')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'Show, check, repair or undo a conversation')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Print the settings in force, and where each comes from')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print a completion script for a shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a manual page, as roff')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gravix;help;ask' {
            break
        }
        'gravix;help;batch' {
            break
        }
        'gravix;help;models' {
            break
        }
        'gravix;help;history' {
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print a conversation for people, paged where it does not fit')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Name every line that is no message, and count the others')
            [CompletionResult]::new('repair', 'repair', [CompletionResultType]::ParameterValue, 'Move the lines that are no messages to FILE.bad')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Remove the newest turn, and print its lines')
            break
        }
        'gravix;help;history;show' {
            break
        }
        'gravix;help;history;check' {
            break
        }
        'gravix;help;history;repair' {
            break
        }
        'gravix;help;history;undo' {
            break
        }
        'gravix;help;config' {
            break
        }
        'gravix;help;completions' {
            break
        }
        'gravix;help;man' {
            break
        }
        'gravix;help;help' {
            break
        }
    })

    $completions.Where{ $_.CompletionText -like "$wordToComplete*" } |
        Sort-Object -Property ListItemText
}
