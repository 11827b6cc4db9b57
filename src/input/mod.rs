//! What a request is made from: the prompt, attachments, templates, fields and the policy
//! for its reply.

pub mod attachment;
pub mod fields;
pub mod file_or_json;
pub mod line_editor;
pub mod misplaced_words;
pub mod patterns;
pub mod prompt;
pub mod prompt_template;
pub mod reply_policy;
pub mod stdin;
pub mod template_text;
