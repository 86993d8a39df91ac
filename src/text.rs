//! Pure text: cell width, tabs, cleaning of untrusted text, escape sequences, line index.
