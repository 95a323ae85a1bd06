"""What comes back by mail: bounces, complaints, and wishes to leave."""
