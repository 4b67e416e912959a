//! How flags, environment and files come together.
