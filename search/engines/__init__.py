"""The search engines: trained experts, words, frames; and the fusion of their rankings."""
