terraform import stamp_golden_image.web web

# In another region than the provider's:
terraform import stamp_golden_image.web web@eu-central-1
