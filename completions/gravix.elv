
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
            cand batch 'Run a file of requests, many at a time'
            cand models 'List the models that the server offers'
            cand history 'Show, check, repair or undo a conversation'
            cand config 'Print the settings in force, and where each comes from'
            cand completions 'Print a completion script for a shell'
            cand man 'Print a manual page, as roff'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;ask'= {
            cand -f 'Put a text file into the prompt (repeatable)'
            cand --file 'Put a text file into the prompt (repeatable)'
            cand -a 'Attach an image (repeatable); ''-'' is stdin'
            cand --attach 'Attach an image (repeatable); ''-'' is stdin'
            cand --attach-type 'The media type of the attachment before it, as image/png'
            cand -s 'The system prompt'
            cand --system 'The system prompt'
            cand --system-file 'Read the system prompt from FILE'
            cand -m 'The model''s name [env: GRAVIX_MODEL]'
            cand --model 'The model''s name [env: GRAVIX_MODEL]'
            cand -t 'Sampling temperature, 0 to 2'
            cand --temperature 'Sampling temperature, 0 to 2'
            cand --top-p 'Sample from this share of the probability, 0 to 1'
            cand --max-tokens 'End the reply after N tokens'
            cand --stop 'End the reply before TEXT (up to 4 times)'
            cand --seed 'Ask for the same reply each time, as far as possible'
            cand --presence-penalty 'Penalty for tokens that occurred, -2 to 2'
            cand --frequency-penalty 'Penalty by how often tokens occurred, -2 to 2'
            cand --param 'Send any other field of the request (repeatable)'
            cand --body 'Merge a JSON object into the request'
            cand -o 'Write the reply to FILE, once it is whole'
            cand --output 'Write the reply to FILE, once it is whole'
            cand -x 'Print only the reply''s first code block [in LANG]'
            cand --extract 'Print only the reply''s first code block [in LANG]'
            cand --extract-last 'Print only the reply''s last code block [in LANG]'
            cand --log 'Append a line of JSON about each request to FILE'
            cand --schema 'Take nothing but JSON of this JSON Schema'
            cand --repair 'Ask again up to N times when the reply is not what was asked for'
            cand --choose 'Take nothing but one of these words, and print it'
            cand --tools 'Offer the model the tools that FILE defines, a JSON array'
            cand --tool-choice 'Which tool to call: auto, none, required, or a tool''s name'
            cand --history 'Continue the conversation in FILE, and append the turn'
            cand --turns 'Send only the system message and the newest N turns'
            cand --base-url 'The API''s base URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds of silence (default 300)'
            cand --deadline 'Give up after S seconds, whatever happens'
            cand --retries 'Try again up to N times (default 2)'
            cand --ca-cert 'Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]'
            cand -H 'Send this header too (repeatable)'
            cand --header 'Send this header too (repeatable)'
            cand -p 'Take the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Take the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand -h 'Print help (-h prints a summary)'
            cand --help 'Print help (-h prints a summary)'
            cand -n 'Never read stdin (for loops such as ''while read'')'
            cand --no-stdin 'Never read stdin (for loops such as ''while read'')'
            cand --lossy 'Replace bytes that are not UTF-8 by U+FFFD'
            cand --stream 'Print tokens as they come, on a pipe too'
            cand --no-stream 'Print the reply once it is complete, on a terminal too'
            cand --json 'Print the server''s response as one JSON object'
            cand --events 'Print each event of the reply''s stream as it comes, as a line of JSON'
            cand -u 'Tell tokens, time to the first one, and tokens a second on stderr'
            cand --usage 'Tell tokens, time to the first one, and tokens a second on stderr'
            cand --log-content 'Put the messages and the reply into the log too'
            cand --dry-run 'Print the body of the request, and send nothing'
            cand --curl 'Print the request as a curl command, and send nothing'
            cand --raw 'Print control characters to a terminal as they are'
            cand --json-object 'Take nothing but a JSON object (JSON mode)'
            cand --yes-no 'Print nothing: exit status 0 is yes, and 1 is no'
            cand -q 'Drop notes and warnings, not errors'
            cand --quiet 'Drop notes and warnings, not errors'
            cand -v 'Tell connections, headers and times on stderr'
            cand --verbose 'Tell connections, headers and times on stderr'
            cand --continue 'Send the history as it is, without a new prompt'
            cand --no-save 'Send the history, append nothing'
            cand --no-wait 'Give up at once when another turn is under way'
            cand --allow-http 'Send the key over plain http too, where anyone can read it'
        }
        &'gravix;batch'= {
            cand -s 'The system prompt, where a line has none'
            cand --system 'The system prompt, where a line has none'
            cand --system-file 'Read the system prompt from FILE'
            cand --shard 'Take every N-th line from the I-th on'
            cand -o 'Append results to FILE; go on where it ends'
            cand --output 'Append results to FILE; go on where it ends'
            cand --errors 'Append what failed to FILE instead'
            cand -j 'Have N requests under way at once (default 8)'
            cand --jobs 'Have N requests under way at once (default 8)'
            cand --rate 'Send no more than N requests a second, minute or hour'
            cand --max-failures 'Stop when so many requests have failed'
            cand -m 'The model''s name [env: GRAVIX_MODEL]'
            cand --model 'The model''s name [env: GRAVIX_MODEL]'
            cand -t 'Sampling temperature, 0 to 2'
            cand --temperature 'Sampling temperature, 0 to 2'
            cand --top-p 'Sample from this share of the probability, 0 to 1'
            cand --max-tokens 'End the reply after N tokens'
            cand --stop 'End the reply before TEXT (up to 4 times)'
            cand --seed 'Ask for the same reply each time, as far as possible'
            cand --presence-penalty 'Penalty for tokens that occurred, -2 to 2'
            cand --frequency-penalty 'Penalty by how often tokens occurred, -2 to 2'
            cand --param 'Send any other field of the request (repeatable)'
            cand --body 'Merge a JSON object into the request'
            cand --schema 'Take nothing but JSON of this JSON Schema'
            cand --repair 'Ask again up to N times when the reply is not what was asked for'
            cand --base-url 'The API''s base URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds of silence (default 300)'
            cand --deadline 'Give up after S seconds, whatever happens'
            cand --retries 'Try again up to N times (default 2)'
            cand --ca-cert 'Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]'
            cand -H 'Send this header too (repeatable)'
            cand --header 'Send this header too (repeatable)'
            cand -p 'Take the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Take the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand -h 'Print help (-h prints a summary)'
            cand --help 'Print help (-h prints a summary)'
            cand --lines 'Take each line as a prompt, not as JSON'
            cand -0 'Take each NUL-ended record as a prompt; end --text by NUL'
            cand --null 'Take each NUL-ended record as a prompt; end --text by NUL'
            cand --skip-bad 'Let lines that are no requests fail, and go on'
            cand --ordered 'Keep the order of the input'
            cand --text 'Print the text of each reply alone, on one line'
            cand --merge 'Join outputs: one line an id, the good one winning'
            cand --json-object 'Take nothing but a JSON object (JSON mode)'
            cand -q 'Drop notes and warnings, not errors'
            cand --quiet 'Drop notes and warnings, not errors'
            cand -v 'Tell connections, headers and times on stderr'
            cand --verbose 'Tell connections, headers and times on stderr'
            cand --allow-http 'Send the key over plain http too, where anyone can read it'
        }
        &'gravix;models'= {
            cand --base-url 'The API''s base URL, or ''mock:'' [env: GRAVIX_BASE_URL]'
            cand --connect-timeout 'Give up connecting after S seconds (default 10)'
            cand --idle-timeout 'Give up after S seconds of silence (default 300)'
            cand --deadline 'Give up after S seconds, whatever happens'
            cand --retries 'Try again up to N times (default 2)'
            cand --ca-cert 'Trust the issuers in FILE (PEM) and no others [env: SSL_CERT_FILE]'
            cand -H 'Send this header too (repeatable)'
            cand --header 'Send this header too (repeatable)'
            cand -p 'Take the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Take the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand --json 'Print the server''s answer as it came'
            cand -q 'Drop notes and warnings, not errors'
            cand --quiet 'Drop notes and warnings, not errors'
            cand -v 'Tell connections, headers and times on stderr'
            cand --verbose 'Tell connections, headers and times on stderr'
            cand --allow-http 'Send the key over plain http too, where anyone can read it'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;history'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
            cand show 'Print a conversation for people, paged where it does not fit'
            cand check 'Name every line that is no message, and count the others'
            cand repair 'Move the lines that are no messages to FILE.bad'
            cand undo 'Remove the newest turn, and print its lines'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;history;show'= {
            cand --last 'Show only the system message and the newest N turns'
            cand --raw 'Print control characters to a terminal as they are'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;check'= {
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;repair'= {
            cand -q 'Drop notes and warnings, not errors'
            cand --quiet 'Drop notes and warnings, not errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;undo'= {
            cand -q 'Drop notes and warnings, not errors'
            cand --quiet 'Drop notes and warnings, not errors'
            cand -h 'Print help'
            cand --help 'Print help'
        }
        &'gravix;history;help'= {
            cand show 'Print a conversation for people, paged where it does not fit'
            cand check 'Name every line that is no message, and count the others'
            cand repair 'Move the lines that are no messages to FILE.bad'
            cand undo 'Remove the newest turn, and print its lines'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;history;help;show'= {
        }
        &'gravix;history;help;check'= {
        }
        &'gravix;history;help;repair'= {
        }
        &'gravix;history;help;undo'= {
        }
        &'gravix;history;help;help'= {
        }
        &'gravix;config'= {
            cand -p 'Take the settings of a profile [env: GRAVIX_PROFILE]'
            cand --profile 'Take the settings of a profile [env: GRAVIX_PROFILE]'
            cand --config 'Read the settings from FILE [env: GRAVIX_CONFIG]'
            cand --init 'Write a commented file to begin with, where there is none'
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;completions'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;man'= {
            cand -h 'Print help (see more with ''--help'')'
            cand --help 'Print help (see more with ''--help'')'
        }
        &'gravix;help'= {
            cand ask 'Ask a question and print the reply'
            cand batch 'Run a file of requests, many at a time'
            cand models 'List the models that the server offers'
            cand history 'Show, check, repair or undo a conversation'
            cand config 'Print the settings in force, and where each comes from'
            cand completions 'Print a completion script for a shell'
            cand man 'Print a manual page, as roff'
            cand help 'Print this message or the help of the given subcommand(s)'
        }
        &'gravix;help;ask'= {
        }
        &'gravix;help;batch'= {
        }
        &'gravix;help;models'= {
        }
        &'gravix;help;history'= {
            cand show 'Print a conversation for people, paged where it does not fit'
            cand check 'Name every line that is no message, and count the others'
            cand repair 'Move the lines that are no messages to FILE.bad'
            cand undo 'Remove the newest turn, and print its lines'
        }
        &'gravix;help;history;show'= {
        }
        &'gravix;help;history;check'= {
        }
        &'gravix;help;history;repair'= {
        }
        &'gravix;help;history;undo'= {
        }
        &'gravix;help;config'= {
        }
        &'gravix;help;completions'= {
        }
        &'gravix;help;man'= {
        }
        &'gravix;help;help'= {
        }
    ]
    $completions[$command]
}
