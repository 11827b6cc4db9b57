
use builtin;
use str;

set edit:completion:arg-completer[gravix] = {|@words|
    fn spaces {|n|
        builtin:repeat $n ' ' | str:join ''
    }
    fn cand {|text desc|
        edit:complex-candidate $text &display=$text' '(spaces (- 14 (wcswidth $text)))$desc
    }
    var command = 'gravix'
    for word $words[1..-1] {
        if (str:has-prefix $word '-') {
            break
        }
        set command = $command';'$word
    }
    var completions = [
        &'gravix'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand -V 'Print version'
            cand --version 'Print version'
            cand ask 'Ask a question and print the reply'
            cand chat 'Hold a conversation at the terminal'
            cand batch 'Run many requests from a file concurrently'
            cand suggest 'Write a command line for the shell, and run nothing'
            cand models 'List the models that the server offers'
            cand doctor 'Find out, step by step, why no reply comes'
            cand history 'List, show, check, repair or fork conversations, or undo a turn'
            cand config 'Print the effective settings and where each comes from'
            cand templates 'List the templates of prompts, each with its first line'
            cand completions 'Print or install the completion script for a shell'
            cand shell-init 'Print a script that binds gravix suggest to a key of the shell'
            cand man 'Print a man page as roff, or install all of them'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;ask'= {
            cand -f 'Put a text file into the prompt (repeatable)'
            cand --file 'Put a text file into the prompt (repeatable)'
            cand -a 'Attach an image (repeatable); ''-'' is stdin'
            cand --attach 'Attach an image (repeatable); ''-'' is stdin'
            cand --attach-type 'Set the media type of the preceding --attach, such as image/png'
            cand -T 'Use a template of the prompt'
            cand --template 'Use a template of the prompt'
            cand --var 'Set a variable of the template (repeatable)'
            cand -s 'Set the system prompt'
            cand --system 'Set the system prompt'
            cand --system-file 'Read the system prompt from FILE'
            cand -m 'Use this model [env: GRAVIX_MODEL]'
            cand --model 'Use this model [env: GRAVIX_MODEL]'
            cand -t 'Set the sampling temperature, 0 to 2'
            cand --temperature 'Set the sampling temperature, 0 to 2'
            cand --top-p 'Sample from the likeliest tokens with total probability P, 0 to 1'
            cand --max-tokens 'Stop the reply after N tokens'
            cand --stop 'Stop the reply before TEXT (repeatable, up to 4 times)'
            cand --seed 'Seed the sampling, to get the same reply each time if possible'
            cand --presence-penalty 'Penalize tokens that have already occurred, -2 to 2'
            cand --frequency-penalty 'Penalize tokens by how often they have occurred, -2 to 2'
            cand --param 'Send any other field of the request (repeatable)'
            cand --body 'Merge a JSON object into the request'
            cand -o 'Write the reply to FILE once it is complete'
            cand --output 'Write the reply to FILE once it is complete'
            cand -x 'Print the first code block, or the first in LANG'
            cand --extract 'Print the first code block, or the first in LANG'
            cand --extract-last 'Print only the reply''s last code block, or the last in LANG'
            cand --log 'Append a line of JSON about each request to FILE'
            cand --reasoning 'Print the model''s reasoning on stderr, or drop it'
            cand --markdown 'Render the Markdown of a reply: auto, always or never'
            cand --schema 'Require JSON that matches this schema'
            cand --repair 'Ask again up to N times if the reply is not in the requested format'
            cand --choose 'Require one of these words, and print it'
            cand --tools 'Offer the model the tools defined in FILE, a JSON array'
            cand --tool-choice 'Set which tool to call: auto, none, required, or a tool''s name'
            cand --history 'Continue the conversation in FILE and append the turn'
            cand --turns 'Send only the system message and the newest N turns'
            cand --base-url 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds without data (default 300)'
            cand --deadline 'Give up after S seconds in total'
            cand --retries 'Retry a failed request up to N times (default 2)'
            cand --ca-cert 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]'
            cand -H 'Send this request header too (repeatable)'
            cand --header 'Send this request header too (repeatable)'
            cand --max-reply-bytes 'Hold at most N bytes of a reply in memory (default 256M)'
            cand -p 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand -h 'Print help (-h prints a summary)'
            cand --help 'Print help (-h prints a summary)'
            cand -n 'Never read stdin (use in loops such as ''while read'')'
            cand --no-stdin 'Never read stdin (use in loops such as ''while read'')'
            cand --lossy 'Replace bytes that are not UTF-8, and NUL, with U+FFFD'
            cand --stream 'Print tokens as they arrive, even into a pipe'
            cand --no-stream 'Print the reply once it is complete, even on a terminal'
            cand --json 'Print the server''s response as one JSON object'
            cand --events 'Print each event of the stream as a line of JSON, as it arrives'
            cand -u 'Report tokens, time to first token and tokens per second on stderr'
            cand --usage 'Report tokens, time to first token and tokens per second on stderr'
            cand --log-content 'Include the messages and the reply in the log'
            cand --dry-run 'Print the request body and send nothing'
            cand --curl 'Print the request as a curl command and send nothing'
            cand --raw 'Print a reply to a terminal byte for byte'
            cand --json-object 'Require a JSON object (JSON mode)'
            cand --yes-no 'Require yes or no; in ask, as the exit status 0 or 1'
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -v 'Log connections, headers and timings to stderr'
            cand --verbose 'Log connections, headers and timings to stderr'
            cand -c 'Continue the newest conversation in the default directory'
            cand --latest 'Continue the newest conversation in the default directory'
            cand --continue 'Send the history as it is, without a new prompt'
            cand --no-save 'Send the history but append nothing'
            cand --no-wait 'Fail immediately if another turn of the conversation is in progress'
            cand --allow-http 'Send the key even over plain http, where anyone can read it'
        }
        &'gravix;chat'= {
            cand --turns 'Send only the system message and the newest N turns'
            cand -s 'Set the system prompt'
            cand --system 'Set the system prompt'
            cand --system-file 'Read the system prompt from FILE'
            cand -m 'Use this model [env: GRAVIX_MODEL]'
            cand --model 'Use this model [env: GRAVIX_MODEL]'
            cand -t 'Set the sampling temperature, 0 to 2'
            cand --temperature 'Set the sampling temperature, 0 to 2'
            cand --top-p 'Sample from the likeliest tokens with total probability P, 0 to 1'
            cand --max-tokens 'Stop the reply after N tokens'
            cand --stop 'Stop the reply before TEXT (repeatable, up to 4 times)'
            cand --seed 'Seed the sampling, to get the same reply each time if possible'
            cand --presence-penalty 'Penalize tokens that have already occurred, -2 to 2'
            cand --frequency-penalty 'Penalize tokens by how often they have occurred, -2 to 2'
            cand --param 'Send any other field of the request (repeatable)'
            cand --body 'Merge a JSON object into the request'
            cand -x 'Print the first code block, or the first in LANG'
            cand --extract 'Print the first code block, or the first in LANG'
            cand --extract-last 'Print only the reply''s last code block, or the last in LANG'
            cand --log 'Append a line of JSON about each request to FILE'
            cand --reasoning 'Print the model''s reasoning on stderr, or drop it'
            cand --markdown 'Render the Markdown of a reply: auto, always or never'
            cand --schema 'Require JSON that matches this schema'
            cand --repair 'Ask again up to N times if the reply is not in the requested format'
            cand --choose 'Require one of these words, and print it'
            cand --tools 'Offer the model the tools defined in FILE, a JSON array'
            cand --tool-choice 'Set which tool to call: auto, none, required, or a tool''s name'
            cand --base-url 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds without data (default 300)'
            cand --deadline 'Give up after S seconds in total'
            cand --retries 'Retry a failed request up to N times (default 2)'
            cand --ca-cert 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]'
            cand -H 'Send this request header too (repeatable)'
            cand --header 'Send this request header too (repeatable)'
            cand --max-reply-bytes 'Hold at most N bytes of a reply in memory (default 256M)'
            cand -p 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand -c 'Continue the newest conversation in the default directory'
            cand --latest 'Continue the newest conversation in the default directory'
            cand -u 'Report tokens, time to first token and tokens per second on stderr'
            cand --usage 'Report tokens, time to first token and tokens per second on stderr'
            cand --log-content 'Include the messages and the reply in the log'
            cand --raw 'Print a reply to a terminal byte for byte'
            cand --json-object 'Require a JSON object (JSON mode)'
            cand --yes-no 'Require yes or no; in ask, as the exit status 0 or 1'
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -v 'Log connections, headers and timings to stderr'
            cand --verbose 'Log connections, headers and timings to stderr'
            cand --allow-http 'Send the key even over plain http, where anyone can read it'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;batch'= {
            cand --delimiter 'Use C between the cells of a table, such as '';'''
            cand -T 'Ask this about each row: ''...{{COLUMN}}...'''
            cand --template 'Ask this about each row: ''...{{COLUMN}}...'''
            cand --id 'Use the value of COLUMN as the id of a row'
            cand --limit 'Send only the first N requests of the input, done or not'
            cand --sample 'Send N requests picked at random; the same ones for the same SEED'
            cand -s 'Set the system prompt for lines without one'
            cand --system 'Set the system prompt for lines without one'
            cand --system-file 'Read the system prompt from FILE'
            cand --shard 'Send only every N-th line, starting with line I'
            cand -o 'Append results to FILE; resume if it exists'
            cand --output 'Append results to FILE; resume if it exists'
            cand --format 'Write csv, tsv, jsonl, batch or text'
            cand --column 'Name the column of the reply (default reply)'
            cand --columns 'Write these fields of a JSON reply, each in a column of its name'
            cand --keep 'Write only these columns of the input, in this order'
            cand --drop 'Leave out these columns of the input'
            cand --errors 'Append failed results to FILE instead'
            cand --changed 'What to do with done requests that have changed: redo or keep'
            cand --retry-failed 'Which failed requests to send again: temporary or all'
            cand --reasoning 'Remove thoughts (<think>...</think>) from the texts that --text prints'
            cand --progress 'Report the progress every S seconds (default 60), or never'
            cand -j 'Run up to N requests concurrently (default 8)'
            cand --jobs 'Run up to N requests concurrently (default 8)'
            cand --rate 'Send at most N requests per second, minute or hour'
            cand --patience 'Wait up to TIME for a success while the server is away (default 2m)'
            cand --max-failures 'Stop after N failed requests'
            cand --token-rate 'Use at most N tokens per second, minute or hour'
            cand --max-cost 'Stop once the run has cost X'
            cand -m 'Use this model [env: GRAVIX_MODEL]'
            cand --model 'Use this model [env: GRAVIX_MODEL]'
            cand -t 'Set the sampling temperature, 0 to 2'
            cand --temperature 'Set the sampling temperature, 0 to 2'
            cand --top-p 'Sample from the likeliest tokens with total probability P, 0 to 1'
            cand --max-tokens 'Stop the reply after N tokens'
            cand --stop 'Stop the reply before TEXT (repeatable, up to 4 times)'
            cand --seed 'Seed the sampling, to get the same reply each time if possible'
            cand --presence-penalty 'Penalize tokens that have already occurred, -2 to 2'
            cand --frequency-penalty 'Penalize tokens by how often they have occurred, -2 to 2'
            cand --param 'Send any other field of the request (repeatable)'
            cand --body 'Merge a JSON object into the request'
            cand --schema 'Require JSON that matches this schema'
            cand --repair 'Ask again up to N times if the reply is not in the requested format'
            cand --choose 'Require one of these words, and print it'
            cand --extract-last 'Print only the reply''s last code block, or the last in LANG'
            cand --log 'Append a line of JSON about each request to FILE'
            cand --base-url 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds without data (default 300)'
            cand --deadline 'Give up after S seconds in total'
            cand --retries 'Retry a failed request up to N times (default 2)'
            cand --ca-cert 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]'
            cand -H 'Send this request header too (repeatable)'
            cand --header 'Send this request header too (repeatable)'
            cand --max-reply-bytes 'Hold at most N bytes of a reply in memory (default 256M)'
            cand -p 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand -x 'Print the first code block, or the first in LANG'
            cand --extract 'Print the first code block, or the first in LANG'
            cand -h 'Print help (-h prints a summary)'
            cand --help 'Print help (-h prints a summary)'
            cand --lines 'Treat each line as a prompt, not as JSON'
            cand -0 'Read NUL-terminated prompts, and end each --text with NUL'
            cand --null 'Read NUL-terminated prompts, and end each --text with NUL'
            cand --csv 'Read a table: CSV with a header'
            cand --tsv 'Read a table: tab-separated values with a header'
            cand --skip-empty 'Leave out rows whose prompt comes out empty'
            cand --dedupe 'Send equal requests once, and give the reply to all of them'
            cand --dry-run 'Send nothing; show the requests and their cost'
            cand --override 'Let typed options win over the fields of a line'
            cand --skip-bad 'Treat lines that are not requests as failures, and go on'
            cand --ordered 'Write results in the order of the input'
            cand --text 'Print only the text of each reply, on one line'
            cand --merge 'Merge result files: one line per id'
            cand --json-object 'Require a JSON object (JSON mode)'
            cand --yes-no 'Require yes or no; in ask, as the exit status 0 or 1'
            cand --report 'Report on results: failures, tokens, cost, seconds, replies'
            cand --json 'Print the report as one JSON object'
            cand -u 'Report the tokens and the number of requests at the end of the run'
            cand --usage 'Report the tokens and the number of requests at the end of the run'
            cand --log-content 'Include the messages and the reply in the log'
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -v 'Log connections, headers and timings to stderr'
            cand --verbose 'Log connections, headers and timings to stderr'
            cand --allow-http 'Send the key even over plain http, where anyone can read it'
        }
        &'gravix;suggest'= {
            cand --shell 'Write the command for this shell [env: SHELL]'
            cand -m 'Use this model [env: GRAVIX_MODEL]'
            cand --model 'Use this model [env: GRAVIX_MODEL]'
            cand -t 'Set the sampling temperature, 0 to 2'
            cand --temperature 'Set the sampling temperature, 0 to 2'
            cand --top-p 'Sample from the likeliest tokens with total probability P, 0 to 1'
            cand --max-tokens 'Stop the reply after N tokens'
            cand --stop 'Stop the reply before TEXT (repeatable, up to 4 times)'
            cand --seed 'Seed the sampling, to get the same reply each time if possible'
            cand --presence-penalty 'Penalize tokens that have already occurred, -2 to 2'
            cand --frequency-penalty 'Penalize tokens by how often they have occurred, -2 to 2'
            cand --param 'Send any other field of the request (repeatable)'
            cand --body 'Merge a JSON object into the request'
            cand --log 'Append a line of JSON about each request to FILE'
            cand --base-url 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds without data (default 300)'
            cand --deadline 'Give up after S seconds in total'
            cand --retries 'Retry a failed request up to N times (default 2)'
            cand --ca-cert 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]'
            cand -H 'Send this request header too (repeatable)'
            cand --header 'Send this request header too (repeatable)'
            cand --max-reply-bytes 'Hold at most N bytes of a reply in memory (default 256M)'
            cand -p 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand --log-content 'Include the messages and the reply in the log'
            cand --dry-run 'Print the request body and send nothing'
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -v 'Log connections, headers and timings to stderr'
            cand --verbose 'Log connections, headers and timings to stderr'
            cand --allow-http 'Send the key even over plain http, where anyone can read it'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;models'= {
            cand --base-url 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds without data (default 300)'
            cand --deadline 'Give up after S seconds in total'
            cand --retries 'Retry a failed request up to N times (default 2)'
            cand --ca-cert 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]'
            cand -H 'Send this request header too (repeatable)'
            cand --header 'Send this request header too (repeatable)'
            cand -p 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand --json 'Print the server''s response unchanged'
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -v 'Log connections, headers and timings to stderr'
            cand --verbose 'Log connections, headers and timings to stderr'
            cand --allow-http 'Send the key even over plain http, where anyone can read it'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;doctor'= {
            cand -m 'Ask this model [env: GRAVIX_MODEL]'
            cand --model 'Ask this model [env: GRAVIX_MODEL]'
            cand --base-url 'Use the API at URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds without data (default 300)'
            cand --deadline 'Give up after S seconds in total'
            cand --retries 'Retry a failed request up to N times (default 2)'
            cand --ca-cert 'Trust only the certificate authorities in FILE (PEM) [env: SSL_CERT_FILE]'
            cand -H 'Send this request header too (repeatable)'
            cand --header 'Send this request header too (repeatable)'
            cand -p 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -v 'Log connections, headers and timings to stderr'
            cand --verbose 'Log connections, headers and timings to stderr'
            cand --allow-http 'Send the key even over plain http, where anyone can read it'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;history'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand list 'List the conversations in a directory, the newest first'
            cand show 'Print a conversation in readable form, in a pager if it is long'
            cand check 'Report lines that are not messages, and count the messages'
            cand repair 'Move lines that are not messages to FILE.bad'
            cand undo 'Remove the newest turn and print its lines'
            cand fork 'Copy a conversation, or its first turns, to a new file'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;history;list'= {
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;history;show'= {
            cand --last 'Show only the system message and the newest N turns'
            cand --markdown 'Render the Markdown of replies: auto, always or never'
            cand --document 'Print a Markdown document, with a heading for each message'
            cand --raw 'Print texts to a terminal byte for byte'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;history;check'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;repair'= {
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;undo'= {
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;fork'= {
            cand --at 'Copy only the first N turns'
            cand -o 'Write the copy to NEW, which must not exist'
            cand --output 'Write the copy to NEW, which must not exist'
            cand -q 'Suppress notes and warnings, but not errors'
            cand --quiet 'Suppress notes and warnings, but not errors'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;history;help'= {
            cand list 'List the conversations in a directory, the newest first'
            cand show 'Print a conversation in readable form, in a pager if it is long'
            cand check 'Report lines that are not messages, and count the messages'
            cand repair 'Move lines that are not messages to FILE.bad'
            cand undo 'Remove the newest turn and print its lines'
            cand fork 'Copy a conversation, or its first turns, to a new file'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;history;help;list'= {
        }
        &'gravix;history;help;show'= {
        }
        &'gravix;history;help;check'= {
        }
        &'gravix;history;help;repair'= {
        }
        &'gravix;history;help;undo'= {
        }
        &'gravix;history;help;fork'= {
        }
        &'gravix;history;help;help'= {
        }
        &'gravix;config'= {
            cand -p 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Use the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand --init 'Write a commented configuration file, unless one exists'
            cand --profiles 'List all profiles, with the base URL, the model and the key of each'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;templates'= {
            cand --config 'List the templates beside this configuration file [env: GRAVIX_CONFIG]'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;completions'= {
            cand --install 'Install the script where the shell finds it, and print its path'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;shell-init'= {
            cand --key 'Bind this key instead of Alt-G'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;man'= {
            cand --install 'Install all pages where man finds them, and print their paths'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;help'= {
            cand ask 'Ask a question and print the reply'
            cand chat 'Hold a conversation at the terminal'
            cand batch 'Run many requests from a file concurrently'
            cand suggest 'Write a command line for the shell, and run nothing'
            cand models 'List the models that the server offers'
            cand doctor 'Find out, step by step, why no reply comes'
            cand history 'List, show, check, repair or fork conversations, or undo a turn'
            cand config 'Print the effective settings and where each comes from'
            cand templates 'List the templates of prompts, each with its first line'
            cand completions 'Print or install the completion script for a shell'
            cand shell-init 'Print a script that binds gravix suggest to a key of the shell'
            cand man 'Print a man page as roff, or install all of them'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;help;ask'= {
        }
        &'gravix;help;chat'= {
        }
        &'gravix;help;batch'= {
        }
        &'gravix;help;suggest'= {
        }
        &'gravix;help;models'= {
        }
        &'gravix;help;doctor'= {
        }
        &'gravix;help;history'= {
        }
        &'gravix;help;config'= {
        }
        &'gravix;help;templates'= {
        }
        &'gravix;help;completions'= {
        }
        &'gravix;help;shell-init'= {
        }
        &'gravix;help;man'= {
        }
        &'gravix;help;help'= {
        }
    ]
    $completions[$command]
}
