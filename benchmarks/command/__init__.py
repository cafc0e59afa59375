"""`command`: an action over HTTP on 16 connections, beside a bare handler that writes the same."""
