terraform import stamp_fleet.web web

# In another region than the provider's:
terraform import stamp_fleet.web web@eu-central-1
