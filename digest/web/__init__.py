"""The pages: what subscribers open, and what mail programs post to. Handlers are thin; what they do stands in the rooms below."""
