
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
            [CompletionResult]::new('chat', 'chat', [CompletionResultType]::ParameterValue, 'Hold a conversation at the terminal')
            [CompletionResult]::new('batch', 'batch', [CompletionResultType]::ParameterValue, 'Run many requests from a file concurrently')
            [CompletionResult]::new('suggest', 'suggest', [CompletionResultType]::ParameterValue, 'Write a command line for the shell, and run nothing')
            [CompletionResult]::new('models', 'models', [CompletionResultType]::ParameterValue, 'List the models that the server offers')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out, step by step, why no reply comes')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'List, show, check, repair or fork conversations, or undo a turn')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Print the effective settings and where each comes from')
            [CompletionResult]::new('templates', 'templates', [CompletionResultType]::ParameterValue, 'List the templates of prompts, each with its first line')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print or install the completion script for a shell')
            [CompletionResult]::new('shell-init', 'shell-init', [CompletionResultType]::ParameterValue, 'Print a script that binds gravix suggest to a key of the shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a man page as roff, or install all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gravix;ask' {
            [CompletionResult]::new('-f', '-f', [CompletionResultType]::ParameterName, 'Put a text file into the prompt (repeatable)')
            [CompletionResult]::new('--file', '--file', [CompletionResultType]::ParameterName, 'Put a text file into the prompt (repeatable)')
            [CompletionResult]::new('-a', '-a', [CompletionResultType]::ParameterName, 'Attach an image (repeatable); ''-'' is stdin')
            [CompletionResult]::new('--attach', '--attach', [CompletionResultType]::ParameterName, 'Attach an image (repeatable); ''-'' is stdin')
            [CompletionResult]::new('--attach-type', '--attach-type', [CompletionResultType]::ParameterName, 'Set the media type of the preceding --attach, such as image/png')
            [CompletionResult]::new('-T', '-T ', [CompletionResultType]::ParameterName, 'Use a template of the prompt')
            [CompletionResult]::new('--template', '--template', [CompletionResultType]::ParameterName, 'Use a template of the prompt')
            [CompletionResult]::new('--var', '--var', [CompletionResultType]::ParameterName, 'Set a variable of the template (repeatable)')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Set the system prompt')
            [CompletionResult]::new('--system', '--system', [CompletionResultType]::ParameterName, 'Set the system prompt')
            [CompletionResult]::new('--system-file', '--system-file', [CompletionResultType]::ParameterName, 'Read the system prompt from FILE')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Use this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Use this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Set the sampling temperature, 0 to 2')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Set the sampling temperature, 0 to 2')
            [CompletionResult]::new('--top-p', '--top-p', [CompletionResultType]::ParameterName, 'Sample from the likeliest tokens with total probability P, 0 to 1')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Stop the reply after N tokens')
            [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'Stop the reply before TEXT (repeatable, up to 4 times)')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed the sampling, to get the same reply each time if possible')
            [CompletionResult]::new('--presence-penalty', '--presence-penalty', [CompletionResultType]::ParameterName, 'Penalize tokens that have already occurred, -2 to 2')
            [CompletionResult]::new('--frequency-penalty', '--frequency-penalty', [CompletionResultType]::ParameterName, 'Penalize tokens by how often they have occurred, -2 to 2')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Send any other field of the request (repeatable)')
            [CompletionResult]::new('--body', '--body', [CompletionResultType]::ParameterName, 'Merge a JSON object into the request')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the reply to FILE once it is complete')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the reply to FILE once it is complete')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Print the first code block, or the first in LANG')
            [CompletionResult]::new('--extract', '--extract', [CompletionResultType]::ParameterName, 'Print the first code block, or the first in LANG')
            [CompletionResult]::new('--extract-last', '--extract-last', [CompletionResultType]::ParameterName, 'Print only the reply''s last code block, or the last in LANG')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Append a line of JSON about each request to FILE')
            [CompletionResult]::new('--reasoning', '--reasoning', [CompletionResultType]::ParameterName, 'Print the model''s reasoning on stderr, or drop it')
            [CompletionResult]::new('--markdown', '--markdown', [CompletionResultType]::ParameterName, 'Render the Markdown of a reply: auto, always or never')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Require JSON that matches this schema')
            [CompletionResult]::new('--repair', '--repair', [CompletionResultType]::ParameterName, 'Ask again up to N times if the reply is not in the requested format')
            [CompletionResult]::new('--choose', '--choose', [CompletionResultType]::ParameterName, 'Require one of these words, and print it')
            [CompletionResult]::new('--tools', '--tools', [CompletionResultType]::ParameterName, 'Offer the model the tools defined in FILE, a JSON array')
            [CompletionResult]::new('--tool-choice', '--tool-choice', [CompletionResultType]::ParameterName, 'Set which tool to call: auto, none, required, or a tool''s name')
            [CompletionResult]::new('--history', '--history', [CompletionResultType]::ParameterName, 'Continue the conversation in FILE and append the turn')
            [CompletionResult]::new('--turns', '--turns', [CompletionResultType]::ParameterName, 'Send only the system message and the newest N turns')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up connecting after S seconds (default 10)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Give up after S seconds without data (default 300)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after S seconds in total')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retry a failed request up to N times (default 2)')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--max-reply-bytes', '--max-reply-bytes', [CompletionResultType]::ParameterName, 'Hold at most N bytes of a reply in memory (default 256M)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (-h prints a summary)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (-h prints a summary)')
            [CompletionResult]::new('-n', '-n', [CompletionResultType]::ParameterName, 'Never read stdin (use in loops such as ''while read'')')
            [CompletionResult]::new('--no-stdin', '--no-stdin', [CompletionResultType]::ParameterName, 'Never read stdin (use in loops such as ''while read'')')
            [CompletionResult]::new('--lossy', '--lossy', [CompletionResultType]::ParameterName, 'Replace bytes that are not UTF-8, and NUL, with U+FFFD')
            [CompletionResult]::new('--stream', '--stream', [CompletionResultType]::ParameterName, 'Print tokens as they arrive, even into a pipe')
            [CompletionResult]::new('--no-stream', '--no-stream', [CompletionResultType]::ParameterName, 'Print the reply once it is complete, even on a terminal')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the server''s response as one JSON object')
            [CompletionResult]::new('--events', '--events', [CompletionResultType]::ParameterName, 'Print each event of the stream as a line of JSON, as it arrives')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Report tokens, time to first token and tokens per second on stderr')
            [CompletionResult]::new('--usage', '--usage', [CompletionResultType]::ParameterName, 'Report tokens, time to first token and tokens per second on stderr')
            [CompletionResult]::new('--log-content', '--log-content', [CompletionResultType]::ParameterName, 'Include the messages and the reply in the log')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the request body and send nothing')
            [CompletionResult]::new('--curl', '--curl', [CompletionResultType]::ParameterName, 'Print the request as a curl command and send nothing')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Print a reply to a terminal byte for byte')
            [CompletionResult]::new('--json-object', '--json-object', [CompletionResultType]::ParameterName, 'Require a JSON object (JSON mode)')
            [CompletionResult]::new('--yes-no', '--yes-no', [CompletionResultType]::ParameterName, 'Require yes or no; in ask, as the exit status 0 or 1')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Continue the newest conversation in the default directory')
            [CompletionResult]::new('--latest', '--latest', [CompletionResultType]::ParameterName, 'Continue the newest conversation in the default directory')
            [CompletionResult]::new('--continue', '--continue', [CompletionResultType]::ParameterName, 'Send the history as it is, without a new prompt')
            [CompletionResult]::new('--no-save', '--no-save', [CompletionResultType]::ParameterName, 'Send the history but append nothing')
            [CompletionResult]::new('--no-wait', '--no-wait', [CompletionResultType]::ParameterName, 'Fail immediately if another turn of the conversation is in progress')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key even over plain http, where anyone can read it')
            break
        }
        'gravix;chat' {
            [CompletionResult]::new('--turns', '--turns', [CompletionResultType]::ParameterName, 'Send only the system message and the newest N turns')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Set the system prompt')
            [CompletionResult]::new('--system', '--system', [CompletionResultType]::ParameterName, 'Set the system prompt')
            [CompletionResult]::new('--system-file', '--system-file', [CompletionResultType]::ParameterName, 'Read the system prompt from FILE')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Use this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Use this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Set the sampling temperature, 0 to 2')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Set the sampling temperature, 0 to 2')
            [CompletionResult]::new('--top-p', '--top-p', [CompletionResultType]::ParameterName, 'Sample from the likeliest tokens with total probability P, 0 to 1')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Stop the reply after N tokens')
            [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'Stop the reply before TEXT (repeatable, up to 4 times)')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed the sampling, to get the same reply each time if possible')
            [CompletionResult]::new('--presence-penalty', '--presence-penalty', [CompletionResultType]::ParameterName, 'Penalize tokens that have already occurred, -2 to 2')
            [CompletionResult]::new('--frequency-penalty', '--frequency-penalty', [CompletionResultType]::ParameterName, 'Penalize tokens by how often they have occurred, -2 to 2')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Send any other field of the request (repeatable)')
            [CompletionResult]::new('--body', '--body', [CompletionResultType]::ParameterName, 'Merge a JSON object into the request')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Print the first code block, or the first in LANG')
            [CompletionResult]::new('--extract', '--extract', [CompletionResultType]::ParameterName, 'Print the first code block, or the first in LANG')
            [CompletionResult]::new('--extract-last', '--extract-last', [CompletionResultType]::ParameterName, 'Print only the reply''s last code block, or the last in LANG')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Append a line of JSON about each request to FILE')
            [CompletionResult]::new('--reasoning', '--reasoning', [CompletionResultType]::ParameterName, 'Print the model''s reasoning on stderr, or drop it')
            [CompletionResult]::new('--markdown', '--markdown', [CompletionResultType]::ParameterName, 'Render the Markdown of a reply: auto, always or never')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Require JSON that matches this schema')
            [CompletionResult]::new('--repair', '--repair', [CompletionResultType]::ParameterName, 'Ask again up to N times if the reply is not in the requested format')
            [CompletionResult]::new('--choose', '--choose', [CompletionResultType]::ParameterName, 'Require one of these words, and print it')
            [CompletionResult]::new('--tools', '--tools', [CompletionResultType]::ParameterName, 'Offer the model the tools defined in FILE, a JSON array')
            [CompletionResult]::new('--tool-choice', '--tool-choice', [CompletionResultType]::ParameterName, 'Set which tool to call: auto, none, required, or a tool''s name')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up connecting after S seconds (default 10)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Give up after S seconds without data (default 300)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after S seconds in total')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retry a failed request up to N times (default 2)')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--max-reply-bytes', '--max-reply-bytes', [CompletionResultType]::ParameterName, 'Hold at most N bytes of a reply in memory (default 256M)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('-c', '-c', [CompletionResultType]::ParameterName, 'Continue the newest conversation in the default directory')
            [CompletionResult]::new('--latest', '--latest', [CompletionResultType]::ParameterName, 'Continue the newest conversation in the default directory')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Report tokens, time to first token and tokens per second on stderr')
            [CompletionResult]::new('--usage', '--usage', [CompletionResultType]::ParameterName, 'Report tokens, time to first token and tokens per second on stderr')
            [CompletionResult]::new('--log-content', '--log-content', [CompletionResultType]::ParameterName, 'Include the messages and the reply in the log')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Print a reply to a terminal byte for byte')
            [CompletionResult]::new('--json-object', '--json-object', [CompletionResultType]::ParameterName, 'Require a JSON object (JSON mode)')
            [CompletionResult]::new('--yes-no', '--yes-no', [CompletionResultType]::ParameterName, 'Require yes or no; in ask, as the exit status 0 or 1')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key even over plain http, where anyone can read it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;batch' {
            [CompletionResult]::new('--delimiter', '--delimiter', [CompletionResultType]::ParameterName, 'Use C between the cells of a table, such as '';''')
            [CompletionResult]::new('-T', '-T ', [CompletionResultType]::ParameterName, 'Ask this about each row: ''...{{COLUMN}}...''')
            [CompletionResult]::new('--template', '--template', [CompletionResultType]::ParameterName, 'Ask this about each row: ''...{{COLUMN}}...''')
            [CompletionResult]::new('--id', '--id', [CompletionResultType]::ParameterName, 'Use the value of COLUMN as the id of a row')
            [CompletionResult]::new('--limit', '--limit', [CompletionResultType]::ParameterName, 'Send only the first N requests of the input, done or not')
            [CompletionResult]::new('--sample', '--sample', [CompletionResultType]::ParameterName, 'Send N requests picked at random; the same ones for the same SEED')
            [CompletionResult]::new('-s', '-s', [CompletionResultType]::ParameterName, 'Set the system prompt for lines without one')
            [CompletionResult]::new('--system', '--system', [CompletionResultType]::ParameterName, 'Set the system prompt for lines without one')
            [CompletionResult]::new('--system-file', '--system-file', [CompletionResultType]::ParameterName, 'Read the system prompt from FILE')
            [CompletionResult]::new('--shard', '--shard', [CompletionResultType]::ParameterName, 'Send only every N-th line, starting with line I')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Append results to FILE; resume if it exists')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Append results to FILE; resume if it exists')
            [CompletionResult]::new('--format', '--format', [CompletionResultType]::ParameterName, 'Write csv, tsv, jsonl, batch or text')
            [CompletionResult]::new('--column', '--column', [CompletionResultType]::ParameterName, 'Name the column of the reply (default reply)')
            [CompletionResult]::new('--columns', '--columns', [CompletionResultType]::ParameterName, 'Write these fields of a JSON reply, each in a column of its name')
            [CompletionResult]::new('--keep', '--keep', [CompletionResultType]::ParameterName, 'Write only these columns of the input, in this order')
            [CompletionResult]::new('--drop', '--drop', [CompletionResultType]::ParameterName, 'Leave out these columns of the input')
            [CompletionResult]::new('--errors', '--errors', [CompletionResultType]::ParameterName, 'Append failed results to FILE instead')
            [CompletionResult]::new('--changed', '--changed', [CompletionResultType]::ParameterName, 'What to do with done requests that have changed: redo or keep')
            [CompletionResult]::new('--retry-failed', '--retry-failed', [CompletionResultType]::ParameterName, 'Which failed requests to send again: temporary or all')
            [CompletionResult]::new('--reasoning', '--reasoning', [CompletionResultType]::ParameterName, 'Remove thoughts (<think>...</think>) from the texts that --text prints')
            [CompletionResult]::new('--progress', '--progress', [CompletionResultType]::ParameterName, 'Report the progress every S seconds (default 60), or never')
            [CompletionResult]::new('-j', '-j', [CompletionResultType]::ParameterName, 'Run up to N requests concurrently (default 8)')
            [CompletionResult]::new('--jobs', '--jobs', [CompletionResultType]::ParameterName, 'Run up to N requests concurrently (default 8)')
            [CompletionResult]::new('--rate', '--rate', [CompletionResultType]::ParameterName, 'Send at most N requests per second, minute or hour')
            [CompletionResult]::new('--patience', '--patience', [CompletionResultType]::ParameterName, 'Wait up to TIME for a success while the server is away (default 2m)')
            [CompletionResult]::new('--max-failures', '--max-failures', [CompletionResultType]::ParameterName, 'Stop after N failed requests')
            [CompletionResult]::new('--token-rate', '--token-rate', [CompletionResultType]::ParameterName, 'Use at most N tokens per second, minute or hour')
            [CompletionResult]::new('--max-cost', '--max-cost', [CompletionResultType]::ParameterName, 'Stop once the run has cost X')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Use this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Use this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Set the sampling temperature, 0 to 2')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Set the sampling temperature, 0 to 2')
            [CompletionResult]::new('--top-p', '--top-p', [CompletionResultType]::ParameterName, 'Sample from the likeliest tokens with total probability P, 0 to 1')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Stop the reply after N tokens')
            [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'Stop the reply before TEXT (repeatable, up to 4 times)')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed the sampling, to get the same reply each time if possible')
            [CompletionResult]::new('--presence-penalty', '--presence-penalty', [CompletionResultType]::ParameterName, 'Penalize tokens that have already occurred, -2 to 2')
            [CompletionResult]::new('--frequency-penalty', '--frequency-penalty', [CompletionResultType]::ParameterName, 'Penalize tokens by how often they have occurred, -2 to 2')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Send any other field of the request (repeatable)')
            [CompletionResult]::new('--body', '--body', [CompletionResultType]::ParameterName, 'Merge a JSON object into the request')
            [CompletionResult]::new('--schema', '--schema', [CompletionResultType]::ParameterName, 'Require JSON that matches this schema')
            [CompletionResult]::new('--repair', '--repair', [CompletionResultType]::ParameterName, 'Ask again up to N times if the reply is not in the requested format')
            [CompletionResult]::new('--choose', '--choose', [CompletionResultType]::ParameterName, 'Require one of these words, and print it')
            [CompletionResult]::new('--extract-last', '--extract-last', [CompletionResultType]::ParameterName, 'Print only the reply''s last code block, or the last in LANG')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Append a line of JSON about each request to FILE')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up connecting after S seconds (default 10)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Give up after S seconds without data (default 300)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after S seconds in total')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retry a failed request up to N times (default 2)')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--max-reply-bytes', '--max-reply-bytes', [CompletionResultType]::ParameterName, 'Hold at most N bytes of a reply in memory (default 256M)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('-x', '-x', [CompletionResultType]::ParameterName, 'Print the first code block, or the first in LANG')
            [CompletionResult]::new('--extract', '--extract', [CompletionResultType]::ParameterName, 'Print the first code block, or the first in LANG')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (-h prints a summary)')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (-h prints a summary)')
            [CompletionResult]::new('--lines', '--lines', [CompletionResultType]::ParameterName, 'Treat each line as a prompt, not as JSON')
            [CompletionResult]::new('-0', '-0', [CompletionResultType]::ParameterName, 'Read NUL-terminated prompts, and end each --text with NUL')
            [CompletionResult]::new('--null', '--null', [CompletionResultType]::ParameterName, 'Read NUL-terminated prompts, and end each --text with NUL')
            [CompletionResult]::new('--csv', '--csv', [CompletionResultType]::ParameterName, 'Read a table: CSV with a header')
            [CompletionResult]::new('--tsv', '--tsv', [CompletionResultType]::ParameterName, 'Read a table: tab-separated values with a header')
            [CompletionResult]::new('--skip-empty', '--skip-empty', [CompletionResultType]::ParameterName, 'Leave out rows whose prompt comes out empty')
            [CompletionResult]::new('--dedupe', '--dedupe', [CompletionResultType]::ParameterName, 'Send equal requests once, and give the reply to all of them')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Send nothing; show the requests and their cost')
            [CompletionResult]::new('--override', '--override', [CompletionResultType]::ParameterName, 'Let typed options win over the fields of a line')
            [CompletionResult]::new('--skip-bad', '--skip-bad', [CompletionResultType]::ParameterName, 'Treat lines that are not requests as failures, and go on')
            [CompletionResult]::new('--ordered', '--ordered', [CompletionResultType]::ParameterName, 'Write results in the order of the input')
            [CompletionResult]::new('--text', '--text', [CompletionResultType]::ParameterName, 'Print only the text of each reply, on one line')
            [CompletionResult]::new('--merge', '--merge', [CompletionResultType]::ParameterName, 'Merge result files: one line per id')
            [CompletionResult]::new('--json-object', '--json-object', [CompletionResultType]::ParameterName, 'Require a JSON object (JSON mode)')
            [CompletionResult]::new('--yes-no', '--yes-no', [CompletionResultType]::ParameterName, 'Require yes or no; in ask, as the exit status 0 or 1')
            [CompletionResult]::new('--report', '--report', [CompletionResultType]::ParameterName, 'Report on results: failures, tokens, cost, seconds, replies')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the report as one JSON object')
            [CompletionResult]::new('-u', '-u', [CompletionResultType]::ParameterName, 'Report the tokens and the number of requests at the end of the run')
            [CompletionResult]::new('--usage', '--usage', [CompletionResultType]::ParameterName, 'Report the tokens and the number of requests at the end of the run')
            [CompletionResult]::new('--log-content', '--log-content', [CompletionResultType]::ParameterName, 'Include the messages and the reply in the log')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key even over plain http, where anyone can read it')
            break
        }
        'gravix;suggest' {
            [CompletionResult]::new('--shell', '--shell', [CompletionResultType]::ParameterName, 'Write the command for this shell [env: SHELL]')
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Use this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Use this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('-t', '-t', [CompletionResultType]::ParameterName, 'Set the sampling temperature, 0 to 2')
            [CompletionResult]::new('--temperature', '--temperature', [CompletionResultType]::ParameterName, 'Set the sampling temperature, 0 to 2')
            [CompletionResult]::new('--top-p', '--top-p', [CompletionResultType]::ParameterName, 'Sample from the likeliest tokens with total probability P, 0 to 1')
            [CompletionResult]::new('--max-tokens', '--max-tokens', [CompletionResultType]::ParameterName, 'Stop the reply after N tokens')
            [CompletionResult]::new('--stop', '--stop', [CompletionResultType]::ParameterName, 'Stop the reply before TEXT (repeatable, up to 4 times)')
            [CompletionResult]::new('--seed', '--seed', [CompletionResultType]::ParameterName, 'Seed the sampling, to get the same reply each time if possible')
            [CompletionResult]::new('--presence-penalty', '--presence-penalty', [CompletionResultType]::ParameterName, 'Penalize tokens that have already occurred, -2 to 2')
            [CompletionResult]::new('--frequency-penalty', '--frequency-penalty', [CompletionResultType]::ParameterName, 'Penalize tokens by how often they have occurred, -2 to 2')
            [CompletionResult]::new('--param', '--param', [CompletionResultType]::ParameterName, 'Send any other field of the request (repeatable)')
            [CompletionResult]::new('--body', '--body', [CompletionResultType]::ParameterName, 'Merge a JSON object into the request')
            [CompletionResult]::new('--log', '--log', [CompletionResultType]::ParameterName, 'Append a line of JSON about each request to FILE')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up connecting after S seconds (default 10)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Give up after S seconds without data (default 300)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after S seconds in total')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retry a failed request up to N times (default 2)')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--max-reply-bytes', '--max-reply-bytes', [CompletionResultType]::ParameterName, 'Hold at most N bytes of a reply in memory (default 256M)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('--log-content', '--log-content', [CompletionResultType]::ParameterName, 'Include the messages and the reply in the log')
            [CompletionResult]::new('--dry-run', '--dry-run', [CompletionResultType]::ParameterName, 'Print the request body and send nothing')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key even over plain http, where anyone can read it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;models' {
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up connecting after S seconds (default 10)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Give up after S seconds without data (default 300)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after S seconds in total')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retry a failed request up to N times (default 2)')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('--json', '--json', [CompletionResultType]::ParameterName, 'Print the server''s response unchanged')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key even over plain http, where anyone can read it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;doctor' {
            [CompletionResult]::new('-m', '-m', [CompletionResultType]::ParameterName, 'Ask this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('--model', '--model', [CompletionResultType]::ParameterName, 'Ask this model [env: GRAVIX_MODEL]')
            [CompletionResult]::new('--base-url', '--base-url', [CompletionResultType]::ParameterName, 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]')
            [CompletionResult]::new('--connect-timeout', '--connect-timeout', [CompletionResultType]::ParameterName, 'Give up connecting after S seconds (default 10)')
            [CompletionResult]::new('--idle-timeout', '--idle-timeout', [CompletionResultType]::ParameterName, 'Give up after S seconds without data (default 300)')
            [CompletionResult]::new('--deadline', '--deadline', [CompletionResultType]::ParameterName, 'Give up after S seconds in total')
            [CompletionResult]::new('--retries', '--retries', [CompletionResultType]::ParameterName, 'Retry a failed request up to N times (default 2)')
            [CompletionResult]::new('--ca-cert', '--ca-cert', [CompletionResultType]::ParameterName, 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]')
            [CompletionResult]::new('-H', '-H ', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('--header', '--header', [CompletionResultType]::ParameterName, 'Send this request header too (repeatable)')
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-v', '-v', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--verbose', '--verbose', [CompletionResultType]::ParameterName, 'Log connections, headers and timings to stderr')
            [CompletionResult]::new('--allow-http', '--allow-http', [CompletionResultType]::ParameterName, 'Send the key even over plain http, where anyone can read it')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;history' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the conversations in a directory, the newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print a conversation in readable form, in a pager if it is long')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Report lines that are not messages, and count the messages')
            [CompletionResult]::new('repair', 'repair', [CompletionResultType]::ParameterValue, 'Move lines that are not messages to FILE.bad')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Remove the newest turn and print its lines')
            [CompletionResult]::new('fork', 'fork', [CompletionResultType]::ParameterValue, 'Copy a conversation, or its first turns, to a new file')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gravix;history;list' {
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;history;show' {
            [CompletionResult]::new('--last', '--last', [CompletionResultType]::ParameterName, 'Show only the system message and the newest N turns')
            [CompletionResult]::new('--markdown', '--markdown', [CompletionResultType]::ParameterName, 'Render the Markdown of replies: auto, always or never')
            [CompletionResult]::new('--document', '--document', [CompletionResultType]::ParameterName, 'Print a Markdown document, with a heading for each message')
            [CompletionResult]::new('--raw', '--raw', [CompletionResultType]::ParameterName, 'Print texts to a terminal byte for byte')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;history;check' {
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'gravix;history;repair' {
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'gravix;history;undo' {
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help')
            break
        }
        'gravix;history;fork' {
            [CompletionResult]::new('--at', '--at', [CompletionResultType]::ParameterName, 'Copy only the first N turns')
            [CompletionResult]::new('-o', '-o', [CompletionResultType]::ParameterName, 'Write the copy to NEW, which must not exist')
            [CompletionResult]::new('--output', '--output', [CompletionResultType]::ParameterName, 'Write the copy to NEW, which must not exist')
            [CompletionResult]::new('-q', '-q', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('--quiet', '--quiet', [CompletionResultType]::ParameterName, 'Suppress notes and warnings, but not errors')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;history;help' {
            [CompletionResult]::new('list', 'list', [CompletionResultType]::ParameterValue, 'List the conversations in a directory, the newest first')
            [CompletionResult]::new('show', 'show', [CompletionResultType]::ParameterValue, 'Print a conversation in readable form, in a pager if it is long')
            [CompletionResult]::new('check', 'check', [CompletionResultType]::ParameterValue, 'Report lines that are not messages, and count the messages')
            [CompletionResult]::new('repair', 'repair', [CompletionResultType]::ParameterValue, 'Move lines that are not messages to FILE.bad')
            [CompletionResult]::new('undo', 'undo', [CompletionResultType]::ParameterValue, 'Remove the newest turn and print its lines')
            [CompletionResult]::new('fork', 'fork', [CompletionResultType]::ParameterValue, 'Copy a conversation, or its first turns, to a new file')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gravix;history;help;list' {
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
        'gravix;history;help;fork' {
            break
        }
        'gravix;history;help;help' {
            break
        }
        'gravix;config' {
            [CompletionResult]::new('-p', '-p', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--profile', '--profile', [CompletionResultType]::ParameterName, 'Use the settings of a profile [env: GRAVIX_PROFILE]')
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'Read the settings from FILE [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('--init', '--init', [CompletionResultType]::ParameterName, 'Write a commented configuration file, unless one exists')
            [CompletionResult]::new('--profiles', '--profiles', [CompletionResultType]::ParameterName, 'List all profiles, with the base URL, the model and the key of each')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;templates' {
            [CompletionResult]::new('--config', '--config', [CompletionResultType]::ParameterName, 'List the templates beside this configuration file [env: GRAVIX_CONFIG]')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;completions' {
            [CompletionResult]::new('--install', '--install', [CompletionResultType]::ParameterName, 'Install the script where the shell finds it, and print its path')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;shell-init' {
            [CompletionResult]::new('--key', '--key', [CompletionResultType]::ParameterName, 'Bind this key instead of Alt-G')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;man' {
            [CompletionResult]::new('--install', '--install', [CompletionResultType]::ParameterName, 'Install all pages where man finds them, and print their paths')
            [CompletionResult]::new('-h', '-h', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            [CompletionResult]::new('--help', '--help', [CompletionResultType]::ParameterName, 'Print help (see more with ''--help'')')
            break
        }
        'gravix;help' {
            [CompletionResult]::new('ask', 'ask', [CompletionResultType]::ParameterValue, 'Ask a question and print the reply')
            [CompletionResult]::new('chat', 'chat', [CompletionResultType]::ParameterValue, 'Hold a conversation at the terminal')
            [CompletionResult]::new('batch', 'batch', [CompletionResultType]::ParameterValue, 'Run many requests from a file concurrently')
            [CompletionResult]::new('suggest', 'suggest', [CompletionResultType]::ParameterValue, 'Write a command line for the shell, and run nothing')
            [CompletionResult]::new('models', 'models', [CompletionResultType]::ParameterValue, 'List the models that the server offers')
            [CompletionResult]::new('doctor', 'doctor', [CompletionResultType]::ParameterValue, 'Find out, step by step, why no reply comes')
            [CompletionResult]::new('history', 'history', [CompletionResultType]::ParameterValue, 'List, show, check, repair or fork conversations, or undo a turn')
            [CompletionResult]::new('config', 'config', [CompletionResultType]::ParameterValue, 'Print the effective settings and where each comes from')
            [CompletionResult]::new('templates', 'templates', [CompletionResultType]::ParameterValue, 'List the templates of prompts, each with its first line')
            [CompletionResult]::new('completions', 'completions', [CompletionResultType]::ParameterValue, 'Print or install the completion script for a shell')
            [CompletionResult]::new('shell-init', 'shell-init', [CompletionResultType]::ParameterValue, 'Print a script that binds gravix suggest to a key of the shell')
            [CompletionResult]::new('man', 'man', [CompletionResultType]::ParameterValue, 'Print a man page as roff, or install all of them')
            [CompletionResult]::new('help', 'help', [CompletionResultType]::ParameterValue, 'Print this message or the help of the given subcommand(s)')
            break
        }
        'gravix;help;ask' {
            break
        }
        'gravix;help;chat' {
            break
        }
        'gravix;help;batch' {
            break
        }
        'gravix;help;suggest' {
            break
        }
        'gravix;help;models' {
            break
        }
        'gravix;help;doctor' {
            break
        }
        'gravix;help;history' {
            break
        }
        'gravix;help;config' {
            break
        }
        'gravix;help;templates' {
            break
        }
        'gravix;help;completions' {
            break
        }
        'gravix;help;shell-init' {
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
