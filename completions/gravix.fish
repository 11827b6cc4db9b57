# Print an optspec for argparse to handle cmd's options that are independent of any subcommand.
function __fish_gravix_global_optspecs
    string join \n h/help V/version
end

function __fish_gravix_needs_command
    # Figure out if the current invocation already has a command.
    set -l cmd (commandline -opc)
    set -e cmd[1]
    argparse -s (__fish_gravix_global_optspecs) -- $cmd 2>/dev/null
    or return
    if set -q argv[1]
        # Also print the command, so this can be used to figure out what it is.
        echo $argv[1]
        return 1
    end
    return 0
end

function __fish_gravix_using_subcommand
    set -l cmd (__fish_gravix_needs_command)
    test -z "$cmd"
    and return 1
    contains -- $cmd[1] $argv
end

complete -c gravix -n "__fish_gravix_needs_command" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gravix -n "__fish_gravix_needs_command" -s V -l version -d 'Print version'
complete -c gravix -n "__fish_gravix_needs_command" -f -a "ask" -d 'Ask a question and print the reply'
complete -c gravix -n "__fish_gravix_needs_command" -f -a "batch" -d 'Run many requests from a file concurrently'
complete -c gravix -n "__fish_gravix_needs_command" -f -a "models" -d 'List the models that the server offers'
complete -c gravix -n "__fish_gravix_needs_command" -f -a "history" -d 'List, show, check, repair or fork conversations, or undo a turn'
complete -c gravix -n "__fish_gravix_needs_command" -f -a "config" -d 'Print the effective settings and where each comes from'
complete -c gravix -n "__fish_gravix_needs_command" -f -a "completions" -d 'Print a completion script for a shell'
complete -c gravix -n "__fish_gravix_needs_command" -f -a "man" -d 'Print a man page as roff'
complete -c gravix -n "__fish_gravix_needs_command" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s f -l file -d 'Put a text file into the prompt (repeatable)' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s a -l attach -d 'Attach an image (repeatable); \'-\' is stdin' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l attach-type -d 'Set the media type of the preceding --attach, such as image/png' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s s -l system -d 'Set the system prompt' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l system-file -d 'Read the system prompt from FILE' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s m -l model -d 'Use this model [env: GRAVIX_MODEL]' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s t -l temperature -d 'Set the sampling temperature, 0 to 2' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l top-p -d 'Sample from the likeliest tokens with total probability P, 0 to 1' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l max-tokens -d 'Stop the reply after N tokens' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l stop -d 'Stop the reply before TEXT (repeatable, up to 4 times)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l seed -d 'Seed the sampling, to get the same reply each time if possible' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l presence-penalty -d 'Penalize tokens that have already occurred, -2 to 2' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l frequency-penalty -d 'Penalize tokens by how often they have occurred, -2 to 2' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l param -d 'Send any other field of the request (repeatable)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l body -d 'Merge a JSON object into the request' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s o -l output -d 'Write the reply to FILE once it is complete' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s x -l extract -d 'Print the first code block, or the first in LANG' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l extract-last -d 'Print only the reply\'s last code block, or the last in LANG' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l log -d 'Append a line of JSON about each request to FILE' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l reasoning -d 'Print the model\'s reasoning on stderr, or drop it' -r -f -a "stderr\t'Print reasoning on stderr as it arrives, dim on a terminal'
drop\t'Drop reasoning'"
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l schema -d 'Require JSON that matches this schema' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l repair -d 'Ask again up to N times if the reply is not in the requested format' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l choose -d 'Require one of these words, and print it' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l tools -d 'Offer the model the tools defined in FILE, a JSON array' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l tool-choice -d 'Set which tool to call: auto, none, required, or a tool\'s name' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l history -d 'Continue the conversation in FILE and append the turn' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l turns -d 'Send only the system message and the newest N turns' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l base-url -d 'Use the API at URL, or \'mock:\' [env: GRAVIX_BASE_URL]' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l connect-timeout -d 'Give up connecting after S seconds (default 10)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l idle-timeout -d 'Give up after S seconds without data (default 300)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l deadline -d 'Give up after S seconds in total' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l retries -d 'Retry a failed request up to N times (default 2)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l ca-cert -d 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s H -l header -d 'Send this request header too (repeatable)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l max-reply-bytes -d 'Hold at most N bytes of a reply in memory (default 256M)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s p -l profile -d 'Use the settings of a profile [env: GRAVIX_PROFILE]' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l config -d 'Read the settings from FILE [env: GRAVIX_CONFIG]' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s h -l help -d 'Print help (-h prints a summary)'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s n -l no-stdin -d 'Never read stdin (use in loops such as \'while read\')'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l lossy -d 'Replace bytes that are not UTF-8, and NUL, with U+FFFD'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l stream -d 'Print tokens as they arrive, even into a pipe'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l no-stream -d 'Print the reply once it is complete, even on a terminal'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l json -d 'Print the server\'s response as one JSON object'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l events -d 'Print each event of the stream as a line of JSON, as it arrives'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s u -l usage -d 'Report tokens, time to first token and tokens per second on stderr'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l log-content -d 'Include the messages and the reply in the log'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l dry-run -d 'Print the request body and send nothing'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l curl -d 'Print the request as a curl command and send nothing'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l raw -d 'Print control characters to a terminal unchanged'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l json-object -d 'Require a JSON object (JSON mode)'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l yes-no -d 'Print nothing: exit with status 0 for yes and 1 for no'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s q -l quiet -d 'Suppress notes and warnings, but not errors'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s v -l verbose -d 'Log connections, headers and timings to stderr'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -s c -l latest -d 'Continue the newest conversation in the default directory'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l continue -d 'Send the history as it is, without a new prompt'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l no-save -d 'Send the history but append nothing'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l no-wait -d 'Fail immediately if another turn of the conversation is in progress'
complete -c gravix -n "__fish_gravix_using_subcommand ask" -l allow-http -d 'Send the key even over plain http, where anyone can read it'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s s -l system -d 'Set the system prompt for lines without one' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l system-file -d 'Read the system prompt from FILE' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l shard -d 'Send only every N-th line, starting with line I' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s o -l output -d 'Append results to FILE; resume if it exists' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l errors -d 'Append failed results to FILE instead' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l changed -d 'What to do with done requests that have changed: redo or keep' -r -f -a "redo\t'Send them again'
keep\t'Keep their old results'"
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l retry-failed -d 'Which failed requests to send again: temporary or all' -r -f -a "temporary\t'Those that may succeed the next time'
all\t'All of them'"
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l reasoning -d 'Remove thoughts (<think>...</think>) from the texts that --text prints' -r -f -a "stderr\t'Print reasoning on stderr as it arrives, dim on a terminal'
drop\t'Drop reasoning'"
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l progress -d 'Report the progress every S seconds (default 60), or never' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s j -l jobs -d 'Run up to N requests concurrently (default 8)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l rate -d 'Send at most N requests per second, minute or hour' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l patience -d 'Wait up to TIME for a success while the server is away (default 2m)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l max-failures -d 'Stop after N failed requests' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s m -l model -d 'Use this model [env: GRAVIX_MODEL]' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s t -l temperature -d 'Set the sampling temperature, 0 to 2' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l top-p -d 'Sample from the likeliest tokens with total probability P, 0 to 1' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l max-tokens -d 'Stop the reply after N tokens' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l stop -d 'Stop the reply before TEXT (repeatable, up to 4 times)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l seed -d 'Seed the sampling, to get the same reply each time if possible' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l presence-penalty -d 'Penalize tokens that have already occurred, -2 to 2' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l frequency-penalty -d 'Penalize tokens by how often they have occurred, -2 to 2' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l param -d 'Send any other field of the request (repeatable)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l body -d 'Merge a JSON object into the request' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l schema -d 'Require JSON that matches this schema' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l repair -d 'Ask again up to N times if the reply is not in the requested format' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l log -d 'Append a line of JSON about each request to FILE' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l base-url -d 'Use the API at URL, or \'mock:\' [env: GRAVIX_BASE_URL]' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l connect-timeout -d 'Give up connecting after S seconds (default 10)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l idle-timeout -d 'Give up after S seconds without data (default 300)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l deadline -d 'Give up after S seconds in total' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l retries -d 'Retry a failed request up to N times (default 2)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l ca-cert -d 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s H -l header -d 'Send this request header too (repeatable)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l max-reply-bytes -d 'Hold at most N bytes of a reply in memory (default 256M)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s p -l profile -d 'Use the settings of a profile [env: GRAVIX_PROFILE]' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l config -d 'Read the settings from FILE [env: GRAVIX_CONFIG]' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s h -l help -d 'Print help (-h prints a summary)'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l lines -d 'Treat each line as a prompt, not as JSON'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s 0 -l null -d 'Read NUL-terminated prompts, and end each --text with NUL'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l override -d 'Let typed options win over the fields of a line'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l skip-bad -d 'Treat lines that are not requests as failures, and go on'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l ordered -d 'Write results in the order of the input'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l text -d 'Print only the text of each reply, on one line'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l merge -d 'Merge result files: one line per id, successes preferred'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l json-object -d 'Require a JSON object (JSON mode)'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s u -l usage -d 'Report the tokens and the number of requests at the end of the run'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l log-content -d 'Include the messages and the reply in the log'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s q -l quiet -d 'Suppress notes and warnings, but not errors'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -s v -l verbose -d 'Log connections, headers and timings to stderr'
complete -c gravix -n "__fish_gravix_using_subcommand batch" -l allow-http -d 'Send the key even over plain http, where anyone can read it'
complete -c gravix -n "__fish_gravix_using_subcommand models" -l base-url -d 'Use the API at URL, or \'mock:\' [env: GRAVIX_BASE_URL]' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand models" -l connect-timeout -d 'Give up connecting after S seconds (default 10)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand models" -l idle-timeout -d 'Give up after S seconds without data (default 300)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand models" -l deadline -d 'Give up after S seconds in total' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand models" -l retries -d 'Retry a failed request up to N times (default 2)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand models" -l ca-cert -d 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand models" -s H -l header -d 'Send this request header too (repeatable)' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand models" -s p -l profile -d 'Use the settings of a profile [env: GRAVIX_PROFILE]' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand models" -l config -d 'Read the settings from FILE [env: GRAVIX_CONFIG]' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand models" -l json -d 'Print the server\'s response unchanged'
complete -c gravix -n "__fish_gravix_using_subcommand models" -s q -l quiet -d 'Suppress notes and warnings, but not errors'
complete -c gravix -n "__fish_gravix_using_subcommand models" -s v -l verbose -d 'Log connections, headers and timings to stderr'
complete -c gravix -n "__fish_gravix_using_subcommand models" -l allow-http -d 'Send the key even over plain http, where anyone can read it'
complete -c gravix -n "__fish_gravix_using_subcommand models" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gravix -n "__fish_gravix_using_subcommand history; and not __fish_seen_subcommand_from list show check repair undo fork help" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gravix -n "__fish_gravix_using_subcommand history; and not __fish_seen_subcommand_from list show check repair undo fork help" -f -a "list" -d 'List the conversations in a directory, the newest first'
complete -c gravix -n "__fish_gravix_using_subcommand history; and not __fish_seen_subcommand_from list show check repair undo fork help" -f -a "show" -d 'Print a conversation in readable form, in a pager if it is long'
complete -c gravix -n "__fish_gravix_using_subcommand history; and not __fish_seen_subcommand_from list show check repair undo fork help" -f -a "check" -d 'Report lines that are not messages, and count the messages'
complete -c gravix -n "__fish_gravix_using_subcommand history; and not __fish_seen_subcommand_from list show check repair undo fork help" -f -a "repair" -d 'Move lines that are not messages to FILE.bad'
complete -c gravix -n "__fish_gravix_using_subcommand history; and not __fish_seen_subcommand_from list show check repair undo fork help" -f -a "undo" -d 'Remove the newest turn and print its lines'
complete -c gravix -n "__fish_gravix_using_subcommand history; and not __fish_seen_subcommand_from list show check repair undo fork help" -f -a "fork" -d 'Copy a conversation, or its first turns, to a new file'
complete -c gravix -n "__fish_gravix_using_subcommand history; and not __fish_seen_subcommand_from list show check repair undo fork help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from list" -s q -l quiet -d 'Suppress notes and warnings, but not errors'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from list" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from show" -l last -d 'Show only the system message and the newest N turns' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from show" -l markdown -d 'Print a Markdown document, with a heading for each message'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from show" -l raw -d 'Print control characters to a terminal unchanged'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from show" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from check" -s h -l help -d 'Print help'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from repair" -s q -l quiet -d 'Suppress notes and warnings, but not errors'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from repair" -s h -l help -d 'Print help'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from undo" -s q -l quiet -d 'Suppress notes and warnings, but not errors'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from undo" -s h -l help -d 'Print help'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from fork" -l at -d 'Copy only the first N turns' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from fork" -s o -l output -d 'Write the copy to NEW, which must not exist' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from fork" -s q -l quiet -d 'Suppress notes and warnings, but not errors'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from fork" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from help" -f -a "list" -d 'List the conversations in a directory, the newest first'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from help" -f -a "show" -d 'Print a conversation in readable form, in a pager if it is long'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from help" -f -a "check" -d 'Report lines that are not messages, and count the messages'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from help" -f -a "repair" -d 'Move lines that are not messages to FILE.bad'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from help" -f -a "undo" -d 'Remove the newest turn and print its lines'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from help" -f -a "fork" -d 'Copy a conversation, or its first turns, to a new file'
complete -c gravix -n "__fish_gravix_using_subcommand history; and __fish_seen_subcommand_from help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gravix -n "__fish_gravix_using_subcommand config" -s p -l profile -d 'Use the settings of a profile [env: GRAVIX_PROFILE]' -r -f
complete -c gravix -n "__fish_gravix_using_subcommand config" -l config -d 'Read the settings from FILE [env: GRAVIX_CONFIG]' -r -F
complete -c gravix -n "__fish_gravix_using_subcommand config" -l init -d 'Write a commented configuration file, unless one exists'
complete -c gravix -n "__fish_gravix_using_subcommand config" -l profiles -d 'List all profiles, with the base URL, the model and the key of each'
complete -c gravix -n "__fish_gravix_using_subcommand config" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gravix -n "__fish_gravix_using_subcommand completions" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gravix -n "__fish_gravix_using_subcommand man" -s h -l help -d 'Print help (see more with \'--help\')'
complete -c gravix -n "__fish_gravix_using_subcommand help; and not __fish_seen_subcommand_from ask batch models history config completions man help" -f -a "ask" -d 'Ask a question and print the reply'
complete -c gravix -n "__fish_gravix_using_subcommand help; and not __fish_seen_subcommand_from ask batch models history config completions man help" -f -a "batch" -d 'Run many requests from a file concurrently'
complete -c gravix -n "__fish_gravix_using_subcommand help; and not __fish_seen_subcommand_from ask batch models history config completions man help" -f -a "models" -d 'List the models that the server offers'
complete -c gravix -n "__fish_gravix_using_subcommand help; and not __fish_seen_subcommand_from ask batch models history config completions man help" -f -a "history" -d 'List, show, check, repair or fork conversations, or undo a turn'
complete -c gravix -n "__fish_gravix_using_subcommand help; and not __fish_seen_subcommand_from ask batch models history config completions man help" -f -a "config" -d 'Print the effective settings and where each comes from'
complete -c gravix -n "__fish_gravix_using_subcommand help; and not __fish_seen_subcommand_from ask batch models history config completions man help" -f -a "completions" -d 'Print a completion script for a shell'
complete -c gravix -n "__fish_gravix_using_subcommand help; and not __fish_seen_subcommand_from ask batch models history config completions man help" -f -a "man" -d 'Print a man page as roff'
complete -c gravix -n "__fish_gravix_using_subcommand help; and not __fish_seen_subcommand_from ask batch models history config completions man help" -f -a "help" -d 'Print this message or the help of the given subcommand(s)'
complete -c gravix -n "__fish_gravix_using_subcommand help; and __fish_seen_subcommand_from history" -f -a "list" -d 'List the conversations in a directory, the newest first'
complete -c gravix -n "__fish_gravix_using_subcommand help; and __fish_seen_subcommand_from history" -f -a "show" -d 'Print a conversation in readable form, in a pager if it is long'
complete -c gravix -n "__fish_gravix_using_subcommand help; and __fish_seen_subcommand_from history" -f -a "check" -d 'Report lines that are not messages, and count the messages'
complete -c gravix -n "__fish_gravix_using_subcommand help; and __fish_seen_subcommand_from history" -f -a "repair" -d 'Move lines that are not messages to FILE.bad'
complete -c gravix -n "__fish_gravix_using_subcommand help; and __fish_seen_subcommand_from history" -f -a "undo" -d 'Remove the newest turn and print its lines'
complete -c gravix -n "__fish_gravix_using_subcommand help; and __fish_seen_subcommand_from history" -f -a "fork" -d 'Copy a conversation, or its first turns, to a new file'
